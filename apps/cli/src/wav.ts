import { SAMPLE_BYTES, SAMPLE_RATE_HZ } from '@parley/model';

const HEADER_BYTES = 44;
const PCM_FORMAT = 1;
const CHANNELS = 1;

/** A RIFF/WAVE file of PCM16LE mono 24 kHz. */
export function encodeWav(pcm: Uint8Array): Uint8Array {
  const file = new Uint8Array(HEADER_BYTES + pcm.length);
  const view = new DataView(file.buffer);
  const ascii = (offset: number, text: string): void => {
    for (let i = 0; i < text.length; i++) view.setUint8(offset + i, text.charCodeAt(i));
  };
  ascii(0, 'RIFF');
  view.setUint32(4, HEADER_BYTES - 8 + pcm.length, true);
  ascii(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM_FORMAT, true);
  view.setUint16(22, CHANNELS, true);
  view.setUint32(24, SAMPLE_RATE_HZ, true);
  view.setUint32(28, SAMPLE_RATE_HZ * SAMPLE_BYTES * CHANNELS, true);
  view.setUint16(32, SAMPLE_BYTES * CHANNELS, true);
  view.setUint16(34, SAMPLE_BYTES * 8, true);
  ascii(36, 'data');
  view.setUint32(40, pcm.length, true);
  file.set(pcm, HEADER_BYTES);
  return file;
}
