import fc from 'fast-check';
import { EventStreamDecoder } from './event-stream-decoder';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (text: string): string[] => new EventStreamDecoder().push(bytes(text));

describe('an event stream', () => {
  it('has one event per blank line', () => {
    expect(decode('data: a\n\ndata: b\n\n')).toEqual(['a', 'b']);
    expect(decode('data: a\r\n\r\ndata: b\r\n\r\n')).toEqual(['a', 'b']);
  });

  it('may leave out the space after the colon, and keeps any further one', () => {
    expect(decode('data:a\n\ndata:  b\n\n')).toEqual(['a', ' b']);
  });

  it('joins several data lines with line feeds', () => {
    expect(decode('data: a\ndata:\ndata: b\n\n')).toEqual(['a\n\nb']);
  });

  it('has comments and fields of no interest left out', () => {
    expect(decode(': ping\n\nevent: x\nid: 1\nretry: 5\n\ndatabase: y\n\ndata: a\n\n')).toEqual(['a']);
  });

  it('has no event that was cut off', () => {
    expect(decode('data: a\n\ndata: b\n')).toEqual(['a']);
  });

  it('may begin with a byte order mark', () => {
    expect(decode('\uFEFFdata: a\n\n')).toEqual(['a']);
  });

  it('is the same however it is divided, in the middle of characters too', () => {
    const text = ': hi\r\ndata: Grüße 😀\r\n\r\ndata: {"a":\ndata: 1}\n\ndata: [DONE]\n\n';
    const whole = decode(text);
    expect(whole).toEqual(['Grüße 😀', '{"a":\n1}', '[DONE]']);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 })), (sizes) => {
        const decoder = new EventStreamDecoder();
        const all = bytes(text);
        const events: string[] = [];
        let at = 0;
        for (const size of [...sizes, all.length]) {
          events.push(...decoder.push(all.subarray(at, at + size)));
          at += size;
        }
        expect(events).toEqual(whole);
      }),
    );
  });

  it('is overfull with an event of more than a million characters', () => {
    const decoder = new EventStreamDecoder();
    decoder.push(bytes(`data: ${'x'.repeat(999_000)}`));
    expect(decoder.isOverfull).toBe(false);
    decoder.push(bytes('x'.repeat(2_000)));
    expect(decoder.isOverfull).toBe(true);
  });
});
