import { SAMPLE_BYTES } from './audio-format';
import { SCHEMA_VERSION } from './bus-messages';
import type { ResponseId } from './ids';

/**
 * One piece of audio on `session.<id>.audio`. The header is a bus part followed by the very frame that a client with
 * `audio=binary` gets, so that the gateway forwards a slice of what it received and copies nothing.
 *
 * ```
 * bus part, 44 bytes, little-endian
 *  0 u8  schema version      1 u8 flags of traceparent   2 u16 lane
 *  4 u32 epoch               8 u32 ordinal              12 u16 attempt   14 u16 reserved
 * 16 16 bytes trace id      32 8 bytes parent id        40 u32 reserved
 * client frame, 12 + n bytes, then PCM16LE mono 24 kHz
 *  0 u8  schema version      1 u8 flags (1 = last chunk of the segment)
 *  2 u16 segment             4 u32 first sample of the chunk within the segment
 *  8 u16 length n of the response id padded with zero bytes to a multiple of 4    10 u16 reserved
 * 12 n bytes response id, ASCII
 * ```
 * Both parts are multiples of 4 long, so a client can view the samples in place.
 */
export interface ChunkHeader {
  traceparent: string;
  lane: number;
  epoch: number;
  ordinal: number;
  attempt: number;
  responseId: ResponseId;
  segment: number;
  /** Index of the first sample within the segment. */
  firstSample: number;
  /** The segment ends with this chunk, which may be empty. */
  last: boolean;
}

/** What the gateway needs of a chunk, read in place. */
export interface ChunkView extends Omit<ChunkHeader, 'traceparent' | 'responseId'> {
  samples: number;
  /** PCM16LE mono 24 kHz; a view into the message. */
  pcm: Uint8Array;
  /** The client's binary frame: header and PCM; a view into the message. */
  frame: Uint8Array;
}

/** What a client of `audio=binary` reads from a frame. */
export interface AudioFrame {
  responseId: ResponseId;
  segment: number;
  firstSample: number;
  last: boolean;
  pcm: Uint8Array;
}

export type Decoded<T> = { ok: true; value: T } | { ok: false; reason: string };

const BUS_BYTES = 44;
const FRAME_FIXED_BYTES = 12;
const LAST_FLAG = 1;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

const padded = (length: number): number => (length + 3) & ~3;
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * The header of a stream of chunks, encoded once per segment: only the position and the flag change from chunk to
 * chunk, so a worker fills one template and copies it before each piece of PCM.
 */
export class ChunkTemplate {
  private readonly bytes: Uint8Array;

  constructor(header: Omit<ChunkHeader, 'firstSample' | 'last'>) {
    const idBytes = padded(header.responseId.length);
    this.bytes = new Uint8Array(BUS_BYTES + FRAME_FIXED_BYTES + idBytes);
    const view = viewOf(this.bytes);
    const trace = TRACEPARENT.exec(header.traceparent);
    view.setUint8(0, SCHEMA_VERSION);
    view.setUint8(1, trace?.[3] === undefined ? 0 : parseInt(trace[3], 16));
    view.setUint16(2, header.lane, true);
    view.setUint32(4, header.epoch, true);
    view.setUint32(8, header.ordinal, true);
    view.setUint16(12, header.attempt, true);
    writeHex(this.bytes, 16, trace?.[1] ?? '');
    writeHex(this.bytes, 32, trace?.[2] ?? '');
    view.setUint8(BUS_BYTES, SCHEMA_VERSION);
    view.setUint16(BUS_BYTES + 2, header.segment, true);
    view.setUint16(BUS_BYTES + 8, idBytes, true);
    for (let i = 0; i < header.responseId.length; i++) {
      this.bytes[BUS_BYTES + FRAME_FIXED_BYTES + i] = header.responseId.charCodeAt(i);
    }
  }

  /** One message: header and a copy of `pcm` (even number of bytes). */
  encode(firstSample: number, pcm: Uint8Array, last: boolean): Uint8Array {
    const out = new Uint8Array(this.bytes.length + pcm.length);
    out.set(this.bytes);
    out.set(pcm, this.bytes.length);
    // Byte by byte: a view object per chunk costs more than the four bytes.
    out[BUS_BYTES + 1] = last ? LAST_FLAG : 0;
    out[BUS_BYTES + 4] = firstSample;
    out[BUS_BYTES + 5] = firstSample >>> 8;
    out[BUS_BYTES + 6] = firstSample >>> 16;
    out[BUS_BYTES + 7] = firstSample >>> 24;
    return out;
  }
}

export const encodeChunk = (header: ChunkHeader, pcm: Uint8Array): Uint8Array =>
  new ChunkTemplate(header).encode(header.firstSample, pcm, header.last);

/**
 * Reads a chunk in place. Refuses what is short, of another version, or of half samples. Runs for every piece of audio
 * at the gateway: no view objects, no string, one result.
 */
export function decodeChunk(message: Uint8Array): Decoded<ChunkView> {
  if (message.length < BUS_BYTES + FRAME_FIXED_BYTES) return { ok: false, reason: 'shorter than its header' };
  if (message[0] !== SCHEMA_VERSION) return { ok: false, reason: `schema version ${message[0]}` };
  if (message[BUS_BYTES] !== SCHEMA_VERSION) return { ok: false, reason: `schema version ${message[BUS_BYTES]}` };
  const pcmStart = BUS_BYTES + FRAME_FIXED_BYTES + u16(message, BUS_BYTES + 8);
  if (message.length < pcmStart) return { ok: false, reason: 'response id cut off' };
  const pcm = message.subarray(pcmStart);
  if (pcm.length % SAMPLE_BYTES !== 0) return { ok: false, reason: 'half a sample' };
  return {
    ok: true,
    value: {
      lane: u16(message, 2),
      epoch: u32(message, 4),
      ordinal: u32(message, 8),
      attempt: u16(message, 12),
      segment: u16(message, BUS_BYTES + 2),
      firstSample: u32(message, BUS_BYTES + 4),
      last: ((message[BUS_BYTES + 1] ?? 0) & LAST_FLAG) !== 0,
      samples: pcm.length / SAMPLE_BYTES,
      pcm,
      frame: message.subarray(BUS_BYTES),
    },
  };
}

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
const u32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0;

/** Trace context of a chunk; read only where a span is made, not per chunk on the hot path. */
export function chunkTraceparent(message: Uint8Array): string {
  const hex = (from: number, to: number): string =>
    Array.from(message.subarray(from, to), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `00-${hex(16, 32)}-${hex(32, 40)}-${hex(1, 2)}`;
}

/** Reads a client's binary frame in place. */
export function decodeAudioFrame(frame: Uint8Array): Decoded<AudioFrame> {
  if (frame.length < FRAME_FIXED_BYTES) return { ok: false, reason: 'shorter than its header' };
  const view = viewOf(frame);
  if (view.getUint8(0) !== SCHEMA_VERSION) return { ok: false, reason: `schema version ${view.getUint8(0)}` };
  const idBytes = view.getUint16(8, true);
  const start = FRAME_FIXED_BYTES + idBytes;
  if (frame.length < start) return { ok: false, reason: 'response id cut off' };
  if ((frame.length - start) % SAMPLE_BYTES !== 0) return { ok: false, reason: 'half a sample' };
  return {
    ok: true,
    value: {
      responseId: readId(frame, idBytes),
      segment: view.getUint16(2, true),
      firstSample: view.getUint32(4, true),
      last: (view.getUint8(1) & LAST_FLAG) !== 0,
      pcm: frame.subarray(start),
    },
  };
}

function readId(frame: Uint8Array, idBytes: number): ResponseId {
  let id = '';
  for (let i = FRAME_FIXED_BYTES; i < FRAME_FIXED_BYTES + idBytes; i++) {
    const code = frame[i];
    if (code === undefined || code === 0) break;
    id += String.fromCharCode(code);
  }
  return id as ResponseId;
}

function writeHex(target: Uint8Array, offset: number, hex: string): void {
  for (let i = 0; i + 1 < hex.length; i += 2) target[offset + i / 2] = parseInt(hex.slice(i, i + 2), 16);
}
