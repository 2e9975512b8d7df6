import { Worker } from 'node:worker_threads';
import type { ProviderFailure } from '@parley/model';
import type { CancelTimer, LogPort, TimersPort } from '@parley/ports';
import type { SentenceOrder, SentenceTimings, ThreadMessage } from './espeak-protocol';

/** Loading takes about 0.2 s on an idle machine; a sentence 20 ms. Silent for longer, the thread hangs. */
const READY_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 4000;

const MISSING: ProviderFailure = {
  kind: 'missing',
  message:
    'The espeak voice is not installed: run `npm install @echogarden/espeak-ng-emscripten`, or configure another voice.',
};
const LOST: ProviderFailure = { kind: 'worker_lost', message: 'The espeak voice cannot be started; the log says why.' };
const CLOSED: ProviderFailure = { kind: 'worker_lost', message: 'The espeak voice was closed.' };

/** Who speaks one sentence. Exactly one of `onSpoken`, `onUnknownVoice` and `onLost` ends it. */
export interface SentenceListener {
  onAudio(pcm: Uint8Array): void;
  onSpoken(timings: SentenceTimings): void;
  onUnknownVoice(): void;
  /** The thread crashed, hung, or was closed. */
  onLost(): void;
}

type Phase =
  | { kind: 'stopped' }
  | {
      kind: 'starting';
      worker: Worker;
      waiting: ((trouble: ProviderFailure | undefined) => void)[];
      cancelTimer: CancelTimer;
    }
  | { kind: 'ready'; worker: Worker }
  /** The package is not there: no thread would find it. */
  | { kind: 'missing' }
  | { kind: 'closed' };

/**
 * The one thread of the engine. Started when it is first needed, and again after it was lost.
 *
 * T1  A sentence's listener hears exactly one end, whatever happens to the thread.
 * T2  While sentences are under way the thread must say something every 4 s; else it is given up.
 */
export class EspeakThread {
  private phase: Phase = { kind: 'stopped' };
  private readonly listeners = new Map<number, SentenceListener>();
  private nextId = 1;
  private cancelWatch: CancelTimer | undefined;

  constructor(
    private readonly workerUrl: URL,
    private readonly timers: TimersPort,
    private readonly log: LogPort,
  ) {}

  /** Why nothing can be spoken; undefined when the thread is ready. Starts it if need be. */
  trouble(): Promise<ProviderFailure | undefined> {
    switch (this.phase.kind) {
      case 'ready':
        return Promise.resolve(undefined);
      case 'missing':
        return Promise.resolve(MISSING);
      case 'closed':
        return Promise.resolve(CLOSED);
      case 'starting':
      case 'stopped': {
        const { waiting } = this.phase.kind === 'starting' ? this.phase : this.start();
        return new Promise((resolve) => {
          waiting.push(resolve);
        });
      }
    }
  }

  /** Call only after `trouble` said undefined, in the same turn. */
  speak(sentence: Omit<SentenceOrder, 'id'>, listener: SentenceListener): void {
    if (this.phase.kind !== 'ready') {
      listener.onLost();
      return;
    }
    const id = this.nextId++;
    this.listeners.set(id, listener);
    this.watch();
    this.phase.worker.postMessage({ ...sentence, id } satisfies SentenceOrder);
  }

  async close(): Promise<void> {
    const worker = 'worker' in this.phase ? this.phase.worker : undefined;
    this.leave({ kind: 'closed' }, CLOSED);
    await worker?.terminate();
  }

  private start(): Phase & { kind: 'starting' } {
    const worker = new Worker(this.workerUrl);
    const phase: Phase = {
      kind: 'starting',
      worker,
      waiting: [],
      cancelTimer: this.timers.after(READY_TIMEOUT_MS, () => this.lose(worker, 'it did not become ready')),
    };
    this.phase = phase;
    worker.on('message', (message: ThreadMessage) => this.receive(worker, message));
    worker.on('error', (error) => {
      this.log.error('the espeak thread crashed', { error });
      this.lose(worker, 'it crashed');
    });
    worker.on('exit', () => this.lose(worker, 'it ended'));
    return phase;
  }

  private receive(worker: Worker, message: ThreadMessage): void {
    if (!this.isCurrent(worker)) return;
    switch (message.kind) {
      case 'ready':
        this.becomeReady(worker);
        return;
      case 'missing':
        this.leave({ kind: 'missing' }, MISSING);
        void worker.terminate();
        return;
      case 'audio':
        this.listeners.get(message.id)?.onAudio(message.pcm);
        break;
      case 'spoken':
        this.take(message.id)?.onSpoken(message.timings);
        break;
      case 'unknown-voice':
        this.take(message.id)?.onUnknownVoice();
        break;
    }
    this.watch();
  }

  private becomeReady(worker: Worker): void {
    if (this.phase.kind !== 'starting') return;
    const { waiting, cancelTimer } = this.phase;
    cancelTimer();
    this.phase = { kind: 'ready', worker };
    for (const resolve of waiting) resolve(undefined);
  }

  private lose(worker: Worker, reason: string): void {
    if (!this.isCurrent(worker)) return;
    this.log.warn('the espeak thread is lost', { reason, sentences: this.listeners.size });
    this.leave({ kind: 'stopped' }, LOST);
    void worker.terminate();
  }

  /** Leaves the present phase, ending everybody who waits in it. */
  private leave(next: Phase, trouble: ProviderFailure): void {
    const before = this.phase;
    this.phase = next;
    this.cancelWatch?.();
    if (before.kind === 'starting') {
      before.cancelTimer();
      for (const resolve of before.waiting) resolve(trouble);
    }
    const listeners = [...this.listeners.values()];
    this.listeners.clear();
    for (const listener of listeners) listener.onLost();
  }

  private isCurrent(worker: Worker): boolean {
    return 'worker' in this.phase && this.phase.worker === worker;
  }

  private take(id: number): SentenceListener | undefined {
    const listener = this.listeners.get(id);
    this.listeners.delete(id);
    return listener;
  }

  private watch(): void {
    this.cancelWatch?.();
    this.cancelWatch = undefined;
    if (this.phase.kind !== 'ready' || this.listeners.size === 0) return;
    const { worker } = this.phase;
    this.cancelWatch = this.timers.after(SILENCE_TIMEOUT_MS, () => this.lose(worker, 'it fell silent'));
  }
}
