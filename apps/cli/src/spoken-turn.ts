import { ParleyClient, Playout, describeClosedReason } from '@parley/client';
import type { ClientSocketConstructor, ClientSystem, ClosedReason, ConnectionStatus } from '@parley/client';
import { msOfSamples, samplesOfBytes } from '@parley/model';
import type { ResponseId, TurnId } from '@parley/model';
import type { SayOptions } from './arguments';
import { EXIT } from './exit-codes';
import type { ExitCode } from './exit-codes';
import type { Printer } from './printer';
import { SimulatedOutput } from './simulated-output';

export interface TurnResult {
  exitCode: ExitCode;
  /** One sentence. */
  message: string;
  /** What was heard of the answer, PCM16LE mono 24 kHz. */
  heard: Uint8Array;
}

interface Surroundings {
  WebSocket: ClientSocketConstructor;
  system: ClientSystem;
  printer: Printer;
}

type Options = Omit<SayOptions, 'out' | 'json'>;

/** One turn from connecting to the end of its answer and of the pretended playback. `run` it once. */
export class SpokenTurn {
  private readonly client: ParleyClient;
  private readonly output: SimulatedOutput;
  private readonly playout: Playout;
  private readonly timers: (() => void)[] = [];
  private settle: (result: TurnResult) => void = () => {};

  private sentAtMs: number;
  private turnId: TurnId | undefined;
  private responseId: ResponseId | undefined;
  private audioStarted = false;
  private playedSamples: number | undefined;
  private done: { status: string; detail: string | null } | undefined;
  private interrupting = false;

  constructor(
    private readonly options: Options,
    private readonly surroundings: Surroundings,
  ) {
    const { WebSocket, system } = surroundings;
    const { url, key } = options;
    this.client = new ParleyClient({ url, ...(key === undefined ? {} : { key, keyIn: 'header' }), WebSocket, system });
    this.output = new SimulatedOutput(system);
    this.playout = new Playout(this.client, this.output, system);
    this.sentAtMs = system.clock.nowMs();
  }

  /** Never rejects for what happens outside; resolves at the latest after `timeoutMs`. */
  run(): Promise<TurnResult> {
    return new Promise((resolve) => {
      this.settle = resolve;
      const { timeoutMs } = this.options;
      this.after(timeoutMs, () => this.finish(EXIT.timeout, `no end of the answer within ${timeoutMs / 1000} s`));
      this.printEvents();
      this.followTurn();
      this.client.connect();
    });
  }

  private followTurn(): void {
    const { client, playout } = this;
    client.on('status', (status) => {
      // Open again after a lost connection: the turn is the client's business.
      if (status.phase === 'open' && this.turnId === undefined) this.send();
      if (status.phase === 'closed') this.closed(status.reason);
    });
    client.on('accepted', ({ turnId, responseId }) => {
      if (turnId === this.turnId) this.responseId = responseId;
    });
    client.on('error', ({ error, turnId }) => {
      if (turnId !== undefined) this.finish(EXIT.turnFailed, `the turn was refused: ${error.message} (${error.code})`);
      // The answer had ended before the interrupt came there.
      else if (this.interrupting && error.code === 'nothing_to_interrupt') this.interrupted();
    });
    client.on('turns-lost', () =>
      this.finish(EXIT.turnFailed, 'the connection was lost, and the conversation could not be resumed'),
    );
    client.on('done', ({ responseId, status, detail }) => {
      if (responseId !== this.responseId) return;
      this.done = { status, detail };
      this.finishWhenHeard();
    });
    client.on('interrupted', ({ responseId }) => {
      if (responseId === this.responseId) this.interrupted();
    });
    playout.on('started', ({ responseId, startsInMs }) => {
      if (responseId === this.responseId) this.firstAudio(startsInMs);
    });
    playout.on('ended', ({ responseId, playedSamples, cut }) => {
      if (responseId !== this.responseId) return;
      this.playedSamples = playedSamples;
      // What cut it, an interruption or the end of the session, decides how the turn ends.
      if (!cut) this.finishWhenHeard();
    });
  }

  private send(): void {
    this.sentAtMs = this.surroundings.system.clock.nowMs();
    this.turnId = this.client.say(this.options.text);
    this.print('sent', JSON.stringify(this.options.text));
    this.printJson({ type: 'cli.sent', turn_id: this.turnId });
  }

  private firstAudio(startsInMs: number): void {
    this.audioStarted = true;
    this.print('audio', 'first audio');
    const { interruptAfterMs } = this.options;
    if (interruptAfterMs !== undefined) this.after(startsInMs + interruptAfterMs, () => this.interrupt());
  }

  private interrupt(): void {
    if (this.playedSamples !== undefined) return;
    this.interrupting = true;
    this.playout.interrupt();
    this.print('interrupt', `after ${msOfSamples(this.playedSamples ?? 0)} ms of audio`);
    this.printJson({ type: 'cli.interrupt' });
  }

  private finishWhenHeard(): void {
    if (this.done === undefined || this.interrupting) return;
    if (this.audioStarted && this.playedSamples === undefined) return;
    const { status, detail } = this.done;
    const ended = `the answer ended as ${status}${detail === null ? '' : `: ${detail}`}`;
    if (status !== 'completed') return this.finish(EXIT.turnFailed, ended);
    const missed = this.options.interruptAfterMs !== undefined;
    this.finish(EXIT.done, missed ? 'the answer ended before it was to be interrupted' : 'the answer was completed');
  }

  private interrupted(): void {
    if (this.interrupting) this.finish(EXIT.done, 'the answer was interrupted as asked');
    else this.finish(EXIT.turnFailed, 'the answer was interrupted by the gateway');
  }

  private closed(reason: ClosedReason): void {
    const why = describeClosedReason(reason);
    if (reason.kind === 'closed_by_client') return;
    if (this.turnId !== undefined) return this.finish(EXIT.turnFailed, `${why} before the answer ended`);
    const status = reason.kind === 'not_opened' ? reason.httpStatus : undefined;
    if (status === 401 || status === 403) return this.finish(EXIT.refused, `${why}: set PARLEY_KEY or --key`);
    this.finish(EXIT.cannotConnect, `cannot connect to ${this.options.url}: ${why}`);
  }

  /** The first call decides; closing the client then stops what is left. */
  private finish(exitCode: ExitCode, message: string): void {
    for (const cancel of this.timers.splice(0)) cancel();
    const settle = this.settle;
    this.settle = () => {};
    this.client.close();
    const { responseId, playedSamples } = this;
    const heard = responseId === undefined ? new Uint8Array() : this.output.recording(responseId, playedSamples ?? 0);
    settle({ exitCode, message, heard });
  }

  private printEvents(): void {
    const { client, playout } = this;
    client.on('wire', (event) => this.printJson(withoutAudio(event)));
    client.on('audio', ({ responseId, pcm }) =>
      this.printJson({ type: 'cli.audio', response_id: responseId, samples: samplesOfBytes(pcm.length) }),
    );
    client.on('unreadable', ({ message }) => {
      this.print('unreadable', message);
      this.printJson({ type: 'cli.unreadable', message });
    });
    playout.on('ended', ({ responseId, playedSamples, cut }) => {
      this.print(cut ? 'silent' : 'played', `${msOfSamples(playedSamples)} ms of audio`);
      this.printJson({ type: 'cli.played', response_id: responseId, samples: playedSamples, cut });
    });
    client.on('status', (status) => {
      if (status.phase === 'reconnecting') this.printLoss(status);
    });
    client.on('session', ({ sessionId, resumed }) =>
      this.print('session', resumed ? `${sessionId} (resumed)` : sessionId),
    );
    client.on('accepted', ({ responseId }) => this.print('accepted', responseId));
    client.on('state', ({ state }) => this.print('state', state));
    client.on('text', ({ delta }) => this.print('text', JSON.stringify(delta)));
    client.on('visemes', ({ visemes }) => this.print('visemes', `${visemes.length}`));
    client.on('done', ({ status, detail }) => this.print('done', detail === null ? status : `${status} (${detail})`));
    client.on('interrupted', ({ heardMs, heardText }) =>
      this.print('interrupted', `heard ${heardMs} ms: ${JSON.stringify(heardText)}`),
    );
    client.on('metrics', ({ metrics }) => this.print('metrics', describeMetrics(metrics)));
    client.on('error', ({ error }) => this.print('error', `${error.code}: ${error.message}`));
    // Once: while a model thinks, every 300 ms are measured.
    const stop = client.on('latency', ({ latencyMs }) => {
      stop();
      this.print('latency', `${latencyMs.toFixed(1)} ms round trip`);
    });
  }

  private printLoss({ attempt, delayMs, reason }: Extract<ConnectionStatus, { phase: 'reconnecting' }>): void {
    const why = describeClosedReason(reason);
    this.print('lost', `${why}: attempt ${attempt} to go on in ${Math.round(delayMs)} ms`);
    this.printJson({ type: 'cli.reconnecting', attempt, delay_ms: Math.round(delayMs), reason: why });
  }

  private print(what: string, detail?: string): void {
    this.surroundings.printer.line(this.elapsedMs(), what, detail);
  }

  private printJson(event: { type: string } & Readonly<Record<string, unknown>>): void {
    this.surroundings.printer.json(this.elapsedMs(), event);
  }

  private elapsedMs(): number {
    return this.surroundings.system.clock.nowMs() - this.sentAtMs;
  }

  private after(delayMs: number, callback: () => void): void {
    this.timers.push(this.surroundings.system.timers.after(delayMs, callback));
  }
}

/** Base64 audio would drown everything else. */
function withoutAudio(event: { readonly type: string } & Readonly<Record<string, unknown>>): typeof event {
  const { delta } = event;
  if (event.type !== 'response.output_audio.delta' || typeof delta !== 'string') return event;
  return { ...event, delta: `(${delta.length} characters)` };
}

function describeMetrics(metrics: object): string {
  return Object.entries(metrics)
    .filter(([, ms]) => ms !== null)
    .map(([stage, ms]) => `${stage.replace(/_ms$/, '').replaceAll('_', ' ')} ${ms} ms`)
    .join(', ');
}
