import type { IncomingMessage } from 'node:http';

/** The streamed body of an answer. */
export interface AnswerBody {
  /** The next piece; undefined at the end and when the body broke off, by whatever cause. */
  next(): Promise<Uint8Array | undefined>;
  /** Ends a read that waits. The connection is lost with it. */
  cancel(): void;
}

/**
 * A body as Node's own client has it. Not a web stream: constructing one for each request took a fifth of an
 * orchestrator's time with 50 sessions (Node 20, by a profile; it is cheap in a small program). A reader that does not
 * ask holds the server back.
 */
export class MessageBody implements AnswerBody {
  private readonly pieces: Uint8Array[] = [];
  private over = false;
  private waiting: ((piece: Uint8Array | undefined) => void) | undefined;

  constructor(private readonly response: IncomingMessage) {
    response.pause();
    response.on('data', (piece: Buffer) => this.take(piece));
    response.once('end', () => this.end());
    response.once('close', () => this.end());
    response.on('error', () => this.end());
  }

  next(): Promise<Uint8Array | undefined> {
    const piece = this.pieces.shift();
    if (piece !== undefined || this.over) return Promise.resolve(piece);
    return new Promise((resolve) => {
      this.waiting = resolve;
      this.response.resume();
    });
  }

  cancel(): void {
    this.end();
    this.response.destroy();
  }

  private take(piece: Uint8Array): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(piece);
    else this.pieces.push(piece);
    this.response.pause();
  }

  private end(): void {
    this.over = true;
    this.waiting?.(undefined);
    this.waiting = undefined;
  }
}
