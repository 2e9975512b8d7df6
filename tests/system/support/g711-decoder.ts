/** One byte of µ-law as a 16 bit sample (ITU-T G.711, table 2). */
export function fromMuLaw(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 0x0f) << 1) + 33) << ((inverted >> 4) & 7)) - 33;
  return (inverted & 0x80 ? -magnitude : magnitude) * 4;
}

/** One byte of A-law as a 16 bit sample (ITU-T G.711, table 1). */
export function fromALaw(code: number): number {
  const even = code ^ 0x55;
  const segment = (even >> 4) & 7;
  const inner = ((even & 0x0f) << 1) + 1;
  const magnitude = segment === 0 ? inner : (inner + 32) << (segment - 1);
  return (even & 0x80 ? magnitude : -magnitude) * 8;
}

/**
 * How far what was heard is from every third of these samples of 24 kHz, in dB: a law of 8 bit leaves about 38, another
 * sound, or the same one a sample later, nothing like it.
 */
export function likenessDb(heard: readonly number[], pcm: Buffer): number {
  let [energy, noise] = [0, 0];
  heard.forEach((sample, n) => {
    const wanted = pcm.readInt16LE(6 * n);
    energy += wanted * wanted;
    noise += (sample - wanted) ** 2;
  });
  return 10 * Math.log10(energy / noise);
}
