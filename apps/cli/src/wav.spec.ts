import { encodeWav } from './wav';

describe('encodeWav', () => {
  it('writes a RIFF header for 24 kHz mono 16 bit and then the samples as they are', () => {
    const pcm = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const file = Buffer.from(encodeWav(pcm));
    expect(file.length).toBe(50);
    expect(file.toString('latin1', 0, 4)).toBe('RIFF');
    expect(file.readUInt32LE(4)).toBe(file.length - 8);
    expect(file.toString('latin1', 8, 16)).toBe('WAVEfmt ');
    expect(file.readUInt32LE(16)).toBe(16);
    expect([file.readUInt16LE(20), file.readUInt16LE(22)]).toEqual([1, 1]);
    expect(file.readUInt32LE(24)).toBe(24_000);
    expect(file.readUInt32LE(28)).toBe(48_000);
    expect([file.readUInt16LE(32), file.readUInt16LE(34)]).toEqual([2, 16]);
    expect(file.toString('latin1', 36, 40)).toBe('data');
    expect(file.readUInt32LE(40)).toBe(6);
    expect([...file.subarray(44)]).toEqual([...pcm]);
  });
});
