const SAMPLES_PER_MS = 24;

/** A piece of an answer's audio as it arrived. Times in ms. */
export interface Piece {
  atMs: number;
  /** Behind the moment at which it had to be there; negative when it came before. */
  lateMs: number;
}

/** For a listener who plays from the arrival of the first piece on, without a pause: when each piece came, and how late. */
export function latenessOf(audio: readonly { atMs: number; samples: number }[]): Piece[] {
  const pieces: Piece[] = [];
  let dueMs = audio[0]?.atMs ?? 0;
  for (const { atMs, samples } of audio) {
    pieces.push({ atMs, lateMs: atMs - dueMs });
    dueMs += samples / SAMPLES_PER_MS;
  }
  return pieces;
}
