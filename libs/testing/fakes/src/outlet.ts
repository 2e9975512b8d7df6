import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pacer } from './pacer';

/** A fast client never makes a socket full: without a pause, one unpaced stream would hold the event loop of all others. */
const BURST_BYTES = 64 * 1_024;

/**
 * The way out to one client. Everything a player waits for ends when the client is gone, and every wait says whether it is
 * still there, so a player is a plain loop that returns on `false`. One wait at a time.
 */
export class Outlet {
  #gone = false;
  #wake: (() => void) | undefined;
  #unflushedWrites = 0;
  #burstBytes = 0;

  constructor(
    private readonly response: ServerResponse,
    private readonly pacer: Pacer,
    private readonly onBytes: (bytes: number) => void,
  ) {
    response.once('close', () => {
      this.#gone = true;
      this.#wake?.();
    });
    // A client that resets its connection is a case to play, not an error of the server.
    response.on('error', () => undefined);
  }

  /** Monotonic milliseconds, the scale of {@link waitUntil}. */
  nowMs(): number {
    return this.pacer.nowMs();
  }

  /** Sends status and headers at once, before there is any body. */
  begin(status: number, headers: Readonly<Record<string, string>>): void {
    if (this.#gone) return;
    this.response.writeHead(status, headers);
    this.response.flushHeaders();
  }

  /** Hands a piece of the body to the socket and, when the socket is full, waits until it has drained. */
  async write(body: string | Uint8Array): Promise<boolean> {
    if (this.#gone) return false;
    const sizeBytes = Buffer.byteLength(body);
    this.#unflushedWrites += 1;
    const hasRoom = this.response.write(body, () => {
      this.#unflushedWrites -= 1;
    });
    this.onBytes(sizeBytes);
    this.#burstBytes += sizeBytes;
    if (!hasRoom) await this.#wait((wake) => this.#onDrain(wake));
    if (this.#burstBytes >= BURST_BYTES) {
      this.#burstBytes = 0;
      await nextTurn();
    }
    return !this.#gone;
  }

  /** Waits for a moment on the monotonic clock; a moment in the past costs nothing. */
  waitUntil(dueMs: number): Promise<boolean> {
    if (dueMs <= this.pacer.nowMs()) return Promise.resolve(!this.#gone);
    return this.#wait((wake) => this.pacer.at(dueMs, wake));
  }

  /** Keeps the connection open and silent for as long as the client bears it. */
  async hang(): Promise<void> {
    await this.#wait(() => () => undefined);
  }

  /** Ends the answer properly. */
  end(): void {
    if (!this.#gone) this.response.end();
  }

  /** A whole answer in one piece. */
  async answer(status: number, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
    if (this.#gone) return;
    this.response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
    if (body !== '') await this.write(body);
    this.end();
  }

  /** Destroys the socket, after what was written has left: the client sees exactly those bytes and no end. */
  async cut(): Promise<void> {
    do {
      await nextTurn();
    } while (this.#unflushedWrites > 0 && !this.#gone);
    this.response.destroy();
  }

  #onDrain(wake: () => void): () => void {
    this.response.once('drain', wake);
    return () => this.response.off('drain', wake);
  }

  #wait(arm: (wake: () => void) => () => void): Promise<boolean> {
    if (this.#gone) return Promise.resolve(false);
    return new Promise((resolve) => {
      const disarm = arm(() => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        disarm();
        resolve(!this.#gone);
      };
    });
  }
}
