import type { VirtualSystem } from '@parley/harness';
import { decodeAudioFrame } from '@parley/model';
import type { ConnectionListener, ConnectionPort } from '@parley/ports';
import { Ear } from '../checker/ear';
import type { Habit, WireEvent } from '../checker/observation';
import type { Recorder } from '../world/recorder';
import type { Heard, SpokenAudio } from '../world/spoken-audio';
import type { Dice } from '../world/streams';

const SILENCE: Heard = { sound: null, samples: 0 };
const REPORT_PERIOD_MS = 200;
const MS_PER_SAMPLE = 1 / 24;
/** More than a gateway puts into one socket. */
const FULL_SOCKET_BYTES = 128 * 1024;
/** A frozen client's speaker stands still from here on, and it goes on saying so. */
const FREEZES_AT_MS = 300;
/** What a client that says too much adds. */
const TOO_MUCH_MS = 5_000;

export interface SeenResponse {
  readonly id: string;
  itemId: string | undefined;
  audioMs: number;
  done: boolean;
  interrupted: boolean;
}

/** The client's end of one connection: what a socket carries, an ear, and what has come so far. */
export class Connection implements ConnectionPort {
  bufferedBytes = 0;
  /** In the order in which they were created. */
  readonly responses: SeenResponse[] = [];
  floor = '';
  greeted = false;
  /** Turns accepted, and interruptions confirmed or refused. */
  readonly accepted = new Set<string>();
  interruptions = 0;
  /** Functions the model has called and nobody has run yet, by call id. */
  readonly calls: string[] = [];
  private readonly ear = new Ear();
  private readonly jsonSamples = new Map<string, number>();
  private readonly waiters = new Set<() => void>();
  private listener: ConnectionListener | undefined;
  private state: 'open' | 'vanished' | 'closed' = 'open';
  private events = 0;
  private questions = 0;
  private reporting: string | undefined;
  private isReporting = false;

  constructor(
    readonly name: string,
    private readonly habit: Habit,
    private readonly recorder: Recorder,
    private readonly dice: Dice,
    private readonly audio: SpokenAudio,
  ) {}

  private get system(): VirtualSystem {
    return this.recorder.system;
  }

  get isOpen(): boolean {
    return this.state === 'open';
  }

  /** The response that is generated or delivered, if any. */
  get live(): SeenResponse | undefined {
    const last = this.responses.at(-1);
    return last && !last.done && !last.interrupted ? last : undefined;
  }

  /** Whatever is said names who said it, so that it is recognised wherever it turns up. */
  nextQuestion(): string {
    return `${this.name}t${++this.questions}`;
  }

  start(listener: ConnectionListener): void {
    this.listener = listener;
  }

  send(event: WireEvent): void {
    if (!this.isOpen) return;
    const identified = { ...event, event_id: `${this.name}e${++this.events}` };
    this.recorder.record({ kind: 'sent', connection: this.name, event: identified });
    this.listener?.onText(JSON.stringify(identified));
  }

  /** An honest client says where it is before it cuts itself off, and plays nothing more. */
  interrupt(event: WireEvent, responseId?: string): void {
    if (this.habit === 'honest') this.report();
    this.send(event);
    this.ear.drop(responseId, this.system.nowMs);
  }

  playedMs(responseId: string): number {
    return this.ear.playedMs(responseId, this.system.nowMs);
  }

  /** True as soon as it holds; false after `timeoutMs`, or when the connection is no more. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds() || !this.isOpen) return Promise.resolve(holds());
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds() && this.isOpen) return;
        cancel();
        this.waiters.delete(look);
        resolve(holds());
      };
      const cancel = this.system.timers.after(timeoutMs, () => {
        this.waiters.delete(look);
        resolve(false);
      });
      this.waiters.add(look);
    });
  }

  /** An orderly end by the client. */
  leave(): void {
    if (!this.isOpen) return;
    this.state = 'closed';
    this.recorder.record({ kind: 'closed', connection: this.name, code: 1000, by: 'client' });
    this.listener?.onClosed(1000);
    this.wake();
  }

  /** Half-open: nothing passes any more, and nobody is told. */
  vanish(): void {
    if (!this.isOpen) return;
    this.state = 'vanished';
    this.recorder.record({ kind: 'vanished', connection: this.name });
    this.wake();
  }

  slowDown(): void {
    if (!this.isOpen) return;
    this.recorder.record({ kind: 'slowed', connection: this.name });
    this.bufferedBytes = FULL_SOCKET_BYTES;
  }

  catchUp(): void {
    if (!this.isOpen || this.bufferedBytes === 0) return;
    this.bufferedBytes = 0;
    this.listener?.onWritable();
    this.recorder.record({ kind: 'caught-up', connection: this.name });
  }

  sendText(text: string): void {
    if (!this.isOpen) return;
    const event = JSON.parse(text) as WireEvent;
    if (event.type === 'response.output_audio.delta') this.takeDelta(event);
    else {
      this.recorder.record({ kind: 'received', connection: this.name, event });
      this.take(event);
    }
    this.wake();
  }

  sendBinary(frame: Uint8Array): void {
    if (!this.isOpen) return;
    const decoded = decodeAudioFrame(frame);
    if (!decoded.ok) throw new Error(`a frame of ${this.name}: ${decoded.reason}`);
    const { responseId, segment, firstSample, last, pcm } = decoded.value;
    const samples = pcm.length / 2;
    const [heard = SILENCE, ...more] = this.audio.read(pcm);
    // A frame is of one segment, and this one of one rendering.
    const sound = more.length === 0 ? heard.sound : null;
    const audio = { responseId, segment, firstSample, samples, last, sound };
    this.recorder.record({ kind: 'audio', connection: this.name, ...audio });
    this.hear(responseId, samples);
    this.wake();
  }

  ping(): void {
    if (this.isOpen) this.listener?.onPong();
  }

  close(code: number): void {
    const wasOpen = this.isOpen;
    if (this.state !== 'closed') this.state = wasOpen ? 'closed' : this.state;
    if (!wasOpen) return;
    this.recorder.record({ kind: 'closed', connection: this.name, code, by: 'server' });
    this.wake();
    // The socket's own word that it is closed comes after the call.
    this.system.timers.after(1, () => this.listener?.onClosed(code));
  }

  terminate(): void {
    this.close(1006);
    if (this.state === 'vanished') this.system.timers.after(1, () => this.listener?.onClosed(1006));
  }

  /** The gateway's process is gone, and its sockets with it. */
  cut(): void {
    this.listener = undefined;
    this.close(1006);
  }

  private take(event: WireEvent): void {
    const responseId = String(event['response_id'] ?? fieldsOf(event['response'])['id']);
    const response = this.responses.find((each) => each.id === responseId);
    switch (event.type) {
      case 'session.created':
        this.greeted = true;
        return;
      case 'parley.state':
        this.floor = String(event['state']);
        return;
      case 'parley.turn.accepted':
        this.accepted.add(String(event['turn_id']));
        return;
      case 'error':
        if (fieldsOf(event['error'])['code'] === 'nothing_to_interrupt') this.interruptions++;
        return;
      case 'response.created':
        this.responses.push({ id: responseId, itemId: undefined, audioMs: 0, done: false, interrupted: false });
        return;
      case 'response.output_item.added':
        if (response && fieldsOf(event['item'])['type'] === 'message') {
          response.itemId = String(fieldsOf(event['item'])['id']);
        }
        return;
      case 'response.function_call_arguments.done':
        return void this.calls.push(String(event['call_id']));
      case 'parley.output.paused':
        return this.ear.pause(responseId, this.system.nowMs);
      case 'parley.output.resumed':
        return this.ear.resume(responseId, this.system.nowMs);
      case 'response.done':
        if (response) response.done = true;
        return this.ear.finished(responseId, this.system.nowMs);
      case 'parley.response.interrupted':
        this.interruptions++;
        if (response) response.interrupted = true;
        return this.ear.drop(responseId, this.system.nowMs);
    }
  }

  private takeDelta(event: WireEvent): void {
    const responseId = String(event['response_id']);
    const pcm = Buffer.from(String(event['delta']), 'base64');
    // A delta may hold the end of one segment and the beginning of the next.
    for (const { sound, samples } of this.audio.read(pcm)) {
      const firstSample = this.jsonSamples.get(responseId) ?? 0;
      this.jsonSamples.set(responseId, firstSample + samples);
      const audio = { responseId, segment: null, firstSample, samples, last: false, sound };
      this.recorder.record({ kind: 'audio', connection: this.name, ...audio });
    }
    this.hear(responseId, pcm.length / 2);
  }

  private hear(responseId: string, samples: number): void {
    const response = this.responses.find((each) => each.id === responseId);
    if (response) response.audioMs += samples * MS_PER_SAMPLE;
    this.ear.arrived(responseId, samples * MS_PER_SAMPLE, this.system.nowMs);
    if (this.habit === 'silent' || this.isReporting) return;
    this.isReporting = true;
    this.reportSoon();
  }

  private reportSoon(): void {
    this.system.timers.after(REPORT_PERIOD_MS, () => {
      if (!this.isOpen) return;
      this.report();
      const stillSaysSo = this.habit === 'frozen' && this.floor === 'speaking';
      this.isReporting = stillSaysSo || this.ear.current(this.system.nowMs) !== undefined;
      if (this.isReporting) this.reportSoon();
    });
  }

  private report(): void {
    const current = this.ear.current(this.system.nowMs);
    if (this.reporting !== undefined && this.reporting !== current?.responseId) this.sayEnded(this.reporting);
    this.reporting = current?.responseId;
    const last = this.responses.at(-1);
    if (!current && this.habit === 'frozen' && last) this.sayPosition(last.id, FREEZES_AT_MS);
    if (current) this.sayPosition(current.responseId, current.playedMs);
  }

  private sayEnded(responseId: string): void {
    const response = this.responses.find((each) => each.id === responseId);
    if (this.habit !== 'honest' || response?.done !== true || response.interrupted) return;
    const playedMs = this.playedMs(responseId);
    if (playedMs < response.audioMs - 1) return;
    this.send({ type: 'parley.playback', response_id: responseId, played_ms: Math.floor(playedMs), ended: true });
  }

  private sayPosition(responseId: string, playedMs: number): void {
    const say = (ms: number): void =>
      this.send({ type: 'parley.playback', response_id: responseId, played_ms: Math.floor(ms) });
    switch (this.habit) {
      case 'honest':
        return say(playedMs);
      case 'too-much':
        return say(playedMs + TOO_MUCH_MS);
      case 'backwards':
        return say(this.dice.chance(0.3) ? playedMs / 2 : playedMs);
      case 'frozen':
        return say(Math.min(playedMs, FREEZES_AT_MS));
      case 'stops':
        return playedMs < FREEZES_AT_MS ? say(playedMs) : undefined;
      case 'silent':
        return undefined;
    }
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
