import type { IncomingHttpHeaders } from 'node:http';
import type { ChatBody, ChatMessage } from './chat-body';
import type { Pacer } from './pacer';
import type { SpeechBody } from './speech-body';

/**
 * How a request stands. 'completed': the whole answer was handed to the operating system. 'refused': answered with an error
 * status, by the provider's rules or by a 'status' behaviour. 'aborted': the socket went before the end, whoever closed it.
 */
export type RequestOutcome = 'running' | 'completed' | 'aborted' | 'refused';

interface RecordedFields {
  /** When its body had arrived, in ms since the Unix epoch. */
  readonly atMs: number;
  /** When its outcome was decided, in ms since the Unix epoch; undefined while it runs. */
  readonly endedAtMs: number | undefined;
  readonly path: string;
  /** The asking socket's port, by which the operating system knows whose it is. */
  readonly clientPort: number;
  /** As sent, authorization included. */
  readonly headers: IncomingHttpHeaders;
  readonly outcome: RequestOutcome;
  /** Bytes of the answer's body that were handed to the socket. */
  readonly bytesSent: number;
  /** What it is about: the user's last words, or the text to speak. */
  readonly text: string;
}

export interface RecordedChat extends RecordedFields {
  readonly kind: 'chat';
  readonly body: ChatBody;
  /** The conversation, without a beginning of the answer and what is said about that. */
  readonly asked: readonly ChatMessage[];
  /** The beginning of the answer that the request wants continued; undefined when it wants a new one. */
  readonly given: string | undefined;
}

export interface RecordedSpeech extends RecordedFields {
  readonly kind: 'speech';
  readonly body: SpeechBody;
}

/** What a provider was asked, and what became of it. The record is live: outcome and bytes change while it runs. */
export type RecordedRequest = RecordedChat | RecordedSpeech;

type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };
type LogEntry = Writable<RecordedChat> | Writable<RecordedSpeech>;

interface Waiter {
  readonly predicate: (request: RecordedRequest) => boolean;
  readonly resolve: (request: RecordedRequest) => void;
  readonly reject: (error: Error) => void;
  readonly disarm: () => void;
}

/** Records requests and wakes those who wait for one. */
export class RequestLog {
  readonly #entries: LogEntry[] = [];
  readonly #waiters = new Set<Waiter>();

  constructor(private readonly pacer: Pacer) {}

  get requests(): readonly RecordedRequest[] {
    return this.#entries;
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#changed(entry);
  }

  addBytes(entry: LogEntry, bytes: number): void {
    entry.bytesSent += bytes;
    this.#changed(entry);
  }

  /** Decides the outcome; only the first decision counts. */
  settle(entry: LogEntry, outcome: Exclude<RequestOutcome, 'running'>): void {
    if (entry.outcome !== 'running') return;
    entry.outcome = outcome;
    entry.endedAtMs = Date.now();
    this.#changed(entry);
  }

  waitFor(predicate: (request: RecordedRequest) => boolean, timeoutMs: number): Promise<RecordedRequest> {
    const known = this.#entries.find(predicate);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const disarm = this.pacer.at(this.pacer.nowMs() + timeoutMs, () => {
        this.#waiters.delete(waiter);
        reject(new Error(`no such request within ${timeoutMs} ms; recorded: ${this.#summary()}`));
      });
      const waiter: Waiter = { predicate, resolve, reject, disarm };
      this.#waiters.add(waiter);
    });
  }

  close(): void {
    for (const { reject, disarm } of this.#waiters) {
      disarm();
      reject(new Error('the fake providers were closed'));
    }
    this.#waiters.clear();
  }

  #changed(entry: LogEntry): void {
    for (const waiter of this.#waiters) {
      if (!this.#holds(waiter, entry)) continue;
      this.#waiters.delete(waiter);
      waiter.disarm();
      waiter.resolve(entry);
    }
  }

  /** A predicate that throws fails its own wait, not the stream that happened to change. */
  #holds(waiter: Waiter, entry: LogEntry): boolean {
    try {
      return waiter.predicate(entry);
    } catch (error) {
      this.#waiters.delete(waiter);
      waiter.disarm();
      waiter.reject(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #summary(): string {
    const lines = this.#entries
      .slice(-10)
      .map(({ kind, outcome, text }) => `${kind} ${outcome} "${text.slice(0, 40)}"`);
    return lines.length === 0 ? 'none' : lines.join(', ');
  }
}
