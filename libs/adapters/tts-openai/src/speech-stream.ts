import type { ClientRequest, IncomingMessage } from 'node:http';
import { InvariantError, type ProviderFailure } from '@parley/model';
import type { CancelTimer, TimersPort, TtsEvent } from '@parley/ports';
import { failureOfConnection, failureOfHead } from './failures';
import { SampleCutter } from './sample-cutter';

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

export interface SpeechStreamOptions {
  /** Makes and sends the request; called again once if a kept connection turns out to be dead. */
  send: () => ClientRequest;
  /** The same in the configured voice, where another one was asked for: the server may not know that. */
  sendInOwnVoice: (() => ClientRequest) | undefined;
  /** It spoke in that one, and had refused the other. */
  onVoiceUnknown: () => void;
  signal: AbortSignal;
  timers: TimersPort;
  stallTimeoutMs: number;
  /** The stream is over: everything is released. */
  onOver: () => void;
}

/**
 * One synthesis: pulls the provider's body through at the consumer's pace.
 *
 * S1  What a data event brings is offered at once; at most one data event is read ahead, then the response is paused.
 * S2  The stall timer runs only while the consumer waits.
 * S3  After the terminal event, an abort or `return` nothing is held: no request, timer or listener.
 */
export class SpeechStream implements AsyncIterableIterator<TtsEvent> {
  private request: ClientRequest | undefined;
  private response: IncomingMessage | undefined;
  private readonly cutter = new SampleCutter();
  private readonly ready: Uint8Array[] = [];
  private spoke = false;
  private terminal: TtsEvent | undefined;
  private over = false;
  private waiting: ((result: IteratorResult<TtsEvent, undefined>) => void) | undefined;
  private cancelStall: CancelTimer | undefined;
  private isInOwnVoice = false;

  constructor(private readonly options: SpeechStreamOptions) {
    options.signal.addEventListener('abort', this.abort);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<TtsEvent, undefined>> {
    if (this.waiting !== undefined) throw new InvariantError('one event is asked for at a time');
    if (this.options.signal.aborted) this.abort();
    if (this.over) return Promise.resolve(DONE);
    const event = this.take();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.armStall();
      if (this.request === undefined) this.begin(this.options.send);
      else this.response?.resume();
    });
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.abort();
    return Promise.resolve(DONE);
  }

  /** Ends the stream as failed, after what was already received. */
  fail(failure: ProviderFailure): void {
    this.end({ kind: 'failed', failure });
    this.request?.destroy();
  }

  private readonly abort = (): void => {
    this.finish();
    this.request?.destroy();
    this.settle(DONE);
  };

  private begin(send: () => ClientRequest, isRetry = false): void {
    const request = send();
    this.request = request;
    request.once('response', (response) => this.onResponse(response));
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed the kept connection just as it was picked: that says nothing about this request.
      const wasStale = !isRetry && request.reusedSocket && error.code === 'ECONNRESET' && !this.response;
      if (this.terminal !== undefined || this.over || this.request !== request) return;
      if (wasStale) this.begin(send, true);
      else if (this.response === undefined) this.end({ kind: 'failed', failure: failureOfConnection(error) });
    });
  }

  private onResponse(response: IncomingMessage): void {
    const failure = failureOfHead(response.statusCode ?? 0, response.headers);
    response.on('error', () => undefined);
    const { sendInOwnVoice } = this.options;
    if (failure?.kind === 'rejected' && sendInOwnVoice && !this.isInOwnVoice && !this.over) {
      this.isInOwnVoice = true;
      const refused = this.request;
      this.begin(sendInOwnVoice);
      // Its page may have any length, and nobody reads it.
      refused?.destroy();
      return;
    }
    this.response = response;
    if (this.isInOwnVoice && failure === undefined) this.options.onVoiceUnknown();
    if (failure !== undefined) {
      this.fail(failure);
      return;
    }
    response.on('data', (bytes: Buffer) => this.onBytes(bytes));
    response.once('end', () => this.onEnd());
    response.once('close', () => {
      if (this.terminal === undefined) this.fail({ kind: 'cut', message: 'The voice service broke off its answer.' });
    });
  }

  private onBytes(bytes: Buffer): void {
    if (this.over || this.terminal !== undefined) return;
    this.ready.push(...this.cutter.push(bytes));
    if (this.waiting !== undefined) {
      const event = this.take();
      if (event === undefined) this.armStall();
      else this.settle({ done: false, value: event });
    }
    if (this.ready.length > 0) this.response?.pause();
  }

  private onEnd(): void {
    if (this.spoke || this.ready.length > 0) this.end({ kind: 'finished' });
    else this.fail({ kind: 'empty_answer', message: 'The voice service answered without any audio.' });
  }

  private end(event: TtsEvent): void {
    if (this.terminal !== undefined || this.over) return;
    this.terminal = event;
    if (this.waiting === undefined) return;
    const next = this.take();
    if (next !== undefined) this.settle({ done: false, value: next });
  }

  /** What can be given now: audio, and after the last of it the terminal event. */
  private take(): TtsEvent | undefined {
    const pcm = this.ready.shift();
    if (pcm !== undefined) {
      this.spoke = true;
      if (this.ready.length === 0) this.response?.resume();
      return { kind: 'audio', pcm };
    }
    if (this.terminal !== undefined) this.finish();
    return this.terminal;
  }

  private finish(): void {
    if (this.over) return;
    this.over = true;
    this.ready.length = 0;
    this.cancelStall?.();
    this.options.signal.removeEventListener('abort', this.abort);
    this.options.onOver();
  }

  private settle(result: IteratorResult<TtsEvent, undefined>): void {
    this.cancelStall?.();
    const resolve = this.waiting;
    this.waiting = undefined;
    resolve?.(result);
  }

  private armStall(): void {
    this.cancelStall?.();
    const { timers, stallTimeoutMs } = this.options;
    this.cancelStall = timers.after(stallTimeoutMs, () =>
      this.fail({ kind: 'timeout', message: `The voice service sent nothing for ${stallTimeoutMs} ms.` }),
    );
  }
}
