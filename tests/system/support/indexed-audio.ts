import { fnv1a32, indexedSampleAt } from '@parley/fakes';
import type { Arrival, TestClient } from './test-client';

/** What a fake voice with the content `indexed` speaks for a text. */
export function indexedAudio(text: string, samplesPerCharacter: number): Buffer {
  const hash = fnv1a32(text);
  const pcm = Buffer.alloc(2 * Math.max(1, Math.round(text.length * samplesPerCharacter)));
  for (let at = 0; at * 2 < pcm.length; at++) pcm.writeInt16LE(indexedSampleAt(hash, at), at * 2);
  return pcm;
}

/** Every sample of a response that arrived, in the order of arrival. */
export const audioOf = (client: TestClient, responseId: string): Buffer =>
  Buffer.concat(
    client.arrivals.flatMap((arrival) =>
      arrival.kind === 'audio' && arrival.responseId === responseId ? [arrival.pcm] : [],
    ),
  );

/** The audio of each segment of one response, as it arrived. A sample that came twice, or out of its place, throws. */
export function heardSegments(arrivals: readonly Arrival[]): Buffer[] {
  const segments: Buffer[][] = [];
  for (const arrival of arrivals) {
    if (arrival.kind !== 'audio') continue;
    const { segment, firstSample, pcm } = arrival;
    const pieces = (segments[segment] ??= []);
    const due = pieces.reduce((sum, piece) => sum + piece.length / 2, 0);
    if (firstSample !== due) throw new Error(`segment ${segment}: sample ${firstSample} came where ${due} was due`);
    pieces.push(pcm);
  }
  return Array.from(segments, (pieces = []) => Buffer.concat(pieces));
}

/** Whether exactly the audio of these segments arrived: sample for sample, in order, nothing of anybody else's. */
export const isAudioOf = (
  client: TestClient,
  responseId: string,
  texts: readonly string[],
  samplesPerCharacter: number,
): boolean =>
  audioOf(client, responseId).equals(
    Buffer.concat(texts.map((text) => indexedAudio(text.trim(), samplesPerCharacter))),
  );
