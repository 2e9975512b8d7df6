import type { VirtualSystem } from '@parley/harness';
import type { ConnectionListener, ConnectionPort } from '@parley/ports';

/** The client behind a socket. `broke`: it was closed by the server, or is gone with its process. */
export interface SocketReader {
  text(text: string): void;
  frame(frame: Uint8Array): void;
  broke(code: number, by: 'server' | 'network'): void;
}

/** More than a gateway puts into one socket. */
const FULL_SOCKET_BYTES = 128 * 1024;

/** The socket's own word that it is closed comes after the call. */
const WORD_MS = 1;
/** ConnectionPort: so long it waits for the peer's own close. */
const UNANSWERED_MS = 2_000;

/** One socket of a client, with the gateway at its other end. What comes before somebody reads it is kept. */
export class Socket implements ConnectionPort {
  bufferedBytes = 0;
  private state: 'open' | 'silent' | 'closed' = 'open';
  private listener: ConnectionListener | undefined;
  private reader: SocketReader | undefined;
  private unread: (string | Uint8Array)[] = [];
  private broken: { code: number; by: 'server' | 'network' } | undefined;

  /** `gateway`: the process at the other end. */
  constructor(
    private readonly system: VirtualSystem,
    readonly gateway: string,
  ) {}

  start(listener: ConnectionListener): void {
    this.listener = listener;
  }

  read(reader: SocketReader): void {
    this.reader = reader;
    for (const each of this.unread.splice(0)) this.hand(each);
    if (this.broken) reader.broke(this.broken.code, this.broken.by);
  }

  /** What has come and was read by nobody, as texts. */
  peek(): string[] {
    return this.unread.filter((each) => typeof each === 'string');
  }

  say(text: string): void {
    if (this.state === 'open') this.listener?.onText(text);
  }

  /** An orderly end by the client. */
  leave(): void {
    this.state = 'closed';
    this.listener?.onClosed(1000);
  }

  /** The client's end is gone, and the gateway learns of it. */
  reset(): void {
    this.state = 'closed';
    this.tell(1006, WORD_MS);
  }

  /** Half-open: nothing passes any more, and nobody is told. */
  vanish(): void {
    if (this.state === 'open') this.state = 'silent';
  }

  /** The gateway's process is gone. */
  cut(): void {
    this.listener = undefined;
    if (this.state === 'open') this.breaks(1006, 'network');
  }

  slowDown(): void {
    this.bufferedBytes = FULL_SOCKET_BYTES;
  }

  catchUp(): void {
    this.bufferedBytes = 0;
    if (this.state === 'open') this.listener?.onWritable();
  }

  sendText(text: string): void {
    if (this.state === 'open') this.hand(text);
  }

  sendBinary(frame: Uint8Array): void {
    if (this.state === 'open') this.hand(frame);
  }

  ping(): void {
    if (this.state === 'open') this.listener?.onPong();
  }

  close(code: number): void {
    if (this.state === 'closed') return;
    const answers = this.state === 'open';
    if (answers) this.breaks(code, 'server');
    this.state = 'closed';
    this.tell(answers ? code : 1006, answers ? WORD_MS : UNANSWERED_MS);
  }

  terminate(): void {
    if (this.state === 'closed') return;
    if (this.state === 'open') this.breaks(1006, 'server');
    this.state = 'closed';
    this.tell(1006, WORD_MS);
  }

  private hand(each: string | Uint8Array): void {
    if (this.reader === undefined) this.unread.push(each);
    else if (typeof each === 'string') this.reader.text(each);
    else this.reader.frame(each);
  }

  private breaks(code: number, by: 'server' | 'network'): void {
    this.state = 'closed';
    if (this.reader) this.reader.broke(code, by);
    else this.broken = { code, by };
  }

  private tell(code: number, inMs: number): void {
    this.system.timers.after(inMs, () => this.listener?.onClosed(code));
  }
}
