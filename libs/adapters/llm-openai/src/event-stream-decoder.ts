/** More than any event of a completion holds; a server that sends this without a line's end sends no events. */
const MAX_EVENT_CHARS = 1_000_000;

/**
 * The data of the events of a `text/event-stream` (WHATWG HTML §9.2.6), however the stream is divided into pieces. Lines
 * end with LF or CRLF; an event that the stream's end cuts off is left out, as the standard says.
 */
export class EventStreamDecoder {
  private readonly decoder = new TextDecoder();
  private line = '';
  private data: string | undefined;

  /** The events that this piece completes. */
  push(bytes: Uint8Array): string[] {
    const text = this.line + this.decoder.decode(bytes, { stream: true });
    const events: string[] = [];
    let start = 0;
    for (let end = text.indexOf('\n', start); end >= 0; end = text.indexOf('\n', start)) {
      this.takeLine(text.slice(start, text[end - 1] === '\r' ? end - 1 : end), events);
      start = end + 1;
    }
    this.line = text.slice(start);
    return events;
  }

  get isOverfull(): boolean {
    return this.line.length + (this.data?.length ?? 0) > MAX_EVENT_CHARS;
  }

  private takeLine(line: string, events: string[]): void {
    if (line === '') {
      if (this.data !== undefined) events.push(this.data);
      this.data = undefined;
    } else if (line.startsWith('data:')) {
      const value = line.slice(line[5] === ' ' ? 6 : 5);
      this.data = this.data === undefined ? value : `${this.data}\n${value}`;
    }
  }
}
