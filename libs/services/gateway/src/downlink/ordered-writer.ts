import type { ConnectionPort } from '@parley/ports';

/** So much may lie in the socket, where nothing can take it back; the rest waits where the fence can drop it. */
const SOCKET_MAX_BYTES = 64 * 1024;
/** A client that is so far behind will not catch up with speech. */
const QUEUE_MAX_BYTES = 2 * 1024 * 1024;

export type Frame = { kind: 'text'; text: string } | AudioFrame;

/** A piece of audio of one response, which its fence can still drop. */
export interface AudioFrame {
  kind: 'audio';
  ordinal: number;
  bytes: number;
  send(connection: ConnectionPort): void;
}

/** Everything to one client, in order. Not faster than it reads, never without bound. */
export class OrderedWriter {
  private queue: Frame[] = [];
  private queuedBytes = 0;
  private overflown = false;

  constructor(
    private readonly connection: ConnectionPort,
    /** The client is too far behind; called once. */
    private readonly onOverflow: () => void,
  ) {}

  write(frame: Frame): void {
    if (this.overflown) return;
    if (this.queue.length === 0 && this.connection.bufferedBytes < SOCKET_MAX_BYTES) return this.send(frame);
    this.queue.push(frame);
    this.queuedBytes += sizeOf(frame);
    if (this.queuedBytes > QUEUE_MAX_BYTES) this.overflow();
  }

  /** The socket has room again. */
  flush(): void {
    while (this.connection.bufferedBytes < SOCKET_MAX_BYTES) {
      const frame = this.queue.shift();
      if (!frame) return;
      this.queuedBytes -= sizeOf(frame);
      this.send(frame);
    }
  }

  /** Drops the audio of a response that waits here. Returns the number of pieces. */
  dropAudio(ordinal: number): number {
    const before = this.queue.length;
    if (before === 0) return 0;
    this.queue = this.queue.filter((frame) => frame.kind !== 'audio' || frame.ordinal !== ordinal);
    this.queuedBytes = this.queue.reduce((sum, frame) => sum + sizeOf(frame), 0);
    return before - this.queue.length;
  }

  /** The connection is about to be closed: what waits will not be read, and more would only take memory. */
  private overflow(): void {
    this.overflown = true;
    this.queue = [];
    this.queuedBytes = 0;
    this.onOverflow();
  }

  private send(frame: Frame): void {
    if (frame.kind === 'text') this.connection.sendText(frame.text);
    else frame.send(this.connection);
  }
}

const sizeOf = (frame: Frame): number => (frame.kind === 'text' ? frame.text.length : frame.bytes);
