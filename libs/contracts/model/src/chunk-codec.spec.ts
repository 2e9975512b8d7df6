import fc from 'fast-check';
import {
  chunkTraceparent,
  ChunkTemplate,
  decodeAudioFrame,
  decodeChunk,
  encodeChunk,
  type ChunkHeader,
} from './chunk-codec';
import type { ResponseId } from './ids';

const header: ChunkHeader = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  lane: 0x0102,
  epoch: 0x03040506,
  ordinal: 0x0708090a,
  attempt: 0x0b0c,
  responseId: 'resp_ab',
  segment: 0x0d0e,
  firstSample: 0x0f101112,
  last: true,
};
const pcm = Uint8Array.of(1, 0, 2, 0, 255, 255);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const valueOf = <T>(decoded: { ok: true; value: T } | { ok: false; reason: string }): T => {
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value;
};

describe('the audio chunk on the bus', () => {
  it('has the bytes that PROTOCOL.md says', () => {
    expect(hex(encodeChunk(header, pcm))).toBe(
      [
        '01', // schema version
        '01', // flags of traceparent
        '0201', // lane
        '06050403', // epoch
        '0a090807', // ordinal
        '0c0b', // attempt
        '0000', // reserved
        '0af7651916cd43dd8448eb211c80319c', // trace id
        'b7ad6b7169203331', // parent id
        '00000000', // reserved
        '01', // schema version of the client's frame
        '01', // flags: last
        '0e0d', // segment
        '1211100f', // first sample
        '0800', // length of the padded response id
        '0000', // reserved
        '726573705f616200', // "resp_ab"
        '01000200ffff', // PCM
      ].join(''),
    );
  });

  it('is read as it was written, whatever its numbers', () => {
    const u16 = fc.integer({ min: 0, max: 0xffff });
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    const lowerHex = (length: number): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
    const headers = fc.record({
      traceparent: fc
        .tuple(lowerHex(32), lowerHex(16), lowerHex(2))
        .map(([trace, parent, flags]) => `00-${trace}-${parent}-${flags}`),
      lane: u16,
      epoch: u32,
      ordinal: u32,
      attempt: u16,
      responseId: fc
        .string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: 1, maxLength: 60 })
        .map((tail): ResponseId => `resp_${tail}`),
      segment: u16,
      firstSample: u32,
      last: fc.boolean(),
    });
    const samples = fc.uint8Array({ maxLength: 200 }).map((bytes) => bytes.subarray(0, bytes.length & ~1));
    fc.assert(
      fc.property(headers, samples, (chunk, audio) => {
        const message = encodeChunk(chunk, audio);
        const { traceparent, responseId, ...numbers } = chunk;
        const view = valueOf(decodeChunk(message));
        expect(view).toMatchObject({ ...numbers, samples: audio.length / 2 });
        expect(hex(view.pcm)).toBe(hex(audio));
        expect(valueOf(decodeAudioFrame(view.frame)).responseId).toBe(responseId);
        expect(chunkTraceparent(message)).toBe(traceparent);
      }),
    );
  });

  it('is read at any offset of a larger buffer', () => {
    const message = encodeChunk(header, pcm);
    const larger = new Uint8Array(message.length + 9);
    larger.set(message, 5);
    const inside = larger.subarray(5, 5 + message.length);
    expect(hex(valueOf(decodeChunk(inside)).pcm)).toBe(hex(pcm));
    expect(chunkTraceparent(inside)).toBe(header.traceparent);
  });

  it('holds the frame of a client, in place and not copied', () => {
    const message = encodeChunk(header, pcm);
    const { frame } = valueOf(decodeChunk(message));
    expect(frame.buffer).toBe(message.buffer);
    const { responseId, segment, firstSample, last } = header;
    const read = valueOf(decodeAudioFrame(frame));
    expect(read).toMatchObject({ responseId, segment, firstSample, last });
    expect(read.pcm.buffer).toBe(message.buffer);
    expect(hex(read.pcm)).toBe(hex(pcm));
  });

  it('has samples at a multiple of 4 bytes, so that a client can view them in place', () => {
    for (const responseId of ['resp_a', 'resp_ab', 'resp_abc', 'resp_abcd'] as const) {
      const { frame, pcm: samples } = valueOf(decodeChunk(encodeChunk({ ...header, responseId }, pcm)));
      expect((samples.byteOffset - frame.byteOffset) % 4).toBe(0);
      expect(samples.byteOffset % 4).toBe(0);
    }
  });

  it('may be empty at the end of a segment', () => {
    const message = encodeChunk(header, new Uint8Array(0));
    expect(valueOf(decodeChunk(message))).toMatchObject({ samples: 0, last: true });
  });

  it('has no trace when it was made without a valid one', () => {
    const message = encodeChunk({ ...header, traceparent: 'nonsense' }, pcm);
    expect(chunkTraceparent(message)).toBe(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`);
  });
});

describe('a template', () => {
  it('makes every chunk of a segment, each with bytes of its own', () => {
    const template = new ChunkTemplate(header);
    const first = template.encode(0, pcm, false);
    const second = template.encode(3, Uint8Array.of(9, 9), true);
    expect(valueOf(decodeChunk(first))).toMatchObject({ firstSample: 0, last: false, samples: 3 });
    expect(valueOf(decodeChunk(second))).toMatchObject({ firstSample: 3, last: true, samples: 1 });
    expect(first.buffer).not.toBe(second.buffer);
  });

  it('does not keep the PCM it was given', () => {
    const source = Uint8Array.from(pcm);
    const message = encodeChunk(header, source);
    source.fill(0);
    expect(hex(valueOf(decodeChunk(message)).pcm)).toBe(hex(pcm));
  });
});

describe('a chunk that is refused', () => {
  const message = encodeChunk(header, pcm);
  const changed = (offset: number, ...bytes: number[]): Uint8Array => {
    const copy = Uint8Array.from(message);
    copy.set(bytes, offset);
    return copy;
  };

  it('is shorter than its header, at any length', () => {
    const headerBytes = message.length - pcm.length;
    for (let length = 0; length < headerBytes; length++) {
      expect(decodeChunk(message.subarray(0, length)).ok).toBe(false);
    }
    expect(decodeChunk(message.subarray(0, headerBytes)).ok).toBe(true);
  });

  it('is of another schema version, in either part', () => {
    expect(decodeChunk(changed(0, 2))).toEqual({ ok: false, reason: 'schema version 2' });
    expect(decodeChunk(changed(44, 9))).toEqual({ ok: false, reason: 'schema version 9' });
  });

  it('has a response id longer than the message', () => {
    expect(decodeChunk(changed(52, 0xff, 0xff))).toEqual({ ok: false, reason: 'response id cut off' });
  });

  it('ends in half a sample', () => {
    expect(decodeChunk(message.subarray(0, message.length - 1))).toEqual({ ok: false, reason: 'half a sample' });
  });

  it('never makes the decoder throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        expect(typeof decodeChunk(bytes).ok).toBe('boolean');
        expect(typeof decodeAudioFrame(bytes).ok).toBe('boolean');
      }),
    );
  });
});
