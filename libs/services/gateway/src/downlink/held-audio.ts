import type { ChunkView } from '@parley/model';

/** Audio waits here for milliseconds, until a write is confirmed; more than this is a bug, not a race. */
const MAX_BYTES = 1024 * 1024;

/**
 * Audio that arrived before the owner's word that its segment is part of the answer. A voice worker is asked to speak
 * before the write that holds the segment; what is not written is never heard.
 */
export class HeldAudio {
  private chunks: ChunkView[] = [];
  private bytes = 0;

  /** False when there is no room: the chunk is lost. */
  add(chunk: ChunkView): boolean {
    if (this.bytes > MAX_BYTES) return false;
    this.chunks.push(chunk);
    this.bytes += chunk.pcm.length;
    return true;
  }

  /** What waited for this segment, in the order it came. */
  take(ordinal: number, segment: number): ChunkView[] {
    return this.remove((chunk) => chunk.ordinal === ordinal && chunk.segment === segment);
  }

  /** Forgets what waits for segments of this response. Returns the number of chunks. */
  drop(ordinal: number): number {
    return this.remove((chunk) => chunk.ordinal === ordinal).length;
  }

  keepOnly(isWanted: (chunk: ChunkView) => boolean): void {
    this.remove((chunk) => !isWanted(chunk));
  }

  private remove(matches: (chunk: ChunkView) => boolean): ChunkView[] {
    if (this.chunks.length === 0) return [];
    const removed = this.chunks.filter(matches);
    this.chunks = this.chunks.filter((chunk) => !matches(chunk));
    this.bytes = this.chunks.reduce((sum, chunk) => sum + chunk.pcm.length, 0);
    return removed;
  }
}
