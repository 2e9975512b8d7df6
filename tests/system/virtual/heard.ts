import { Ear } from '../chaos/ear';
import { fieldsOf } from '../support/fields';
import { indexedAudio } from '../support/indexed-audio';
import type { Arrival, WireEvent } from '../support/test-client';
import { SAMPLES_PER_CHARACTER } from './stage';

/** The audio of these segments, to the last sample, where those of the scripted voice tell what they are of. */
export const wholeOf = (...texts: readonly string[]): Buffer =>
  Buffer.concat(texts.map((text) => indexedAudio(text.trimEnd(), SAMPLES_PER_CHARACTER)));

/** The longest silence between two samples, for a listener who plays each as soon as those before it are over. */
export function longestGapMs(arrivals: readonly Arrival[]): number {
  const ear = new Ear();
  for (const arrival of arrivals) if (arrival.kind === 'audio') ear.arrived(arrival.samples, arrival.atMs);
  return ear.longestGapMs;
}

/** How each response ended, in the order of their ends. */
export const statusesOf = (client: { events(type: string): WireEvent[] }): unknown[] =>
  client.events('response.done').map(({ response }) => fieldsOf(response)['status']);
