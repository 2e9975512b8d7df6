import type { BusBodies } from '@parley/schemas';
import { Stage, type StagedClient } from '../stage';
import { converse } from './conversation';
import { shapesOf } from './shapes';

export type MessageKind = keyof BusBodies;

/** A state as it lay in the store. */
export interface RecordedState {
  moment: string;
  state: unknown;
}

/** A message as it lay on the bus: an envelope. */
export interface RecordedMessage {
  kind: MessageKind;
  message: unknown;
}

/** What a version writes: real documents of real sessions, the same with each recording. */
export interface Recording {
  states: RecordedState[];
  messages: RecordedMessage[];
}

const decoder = new TextDecoder();

/** What is said on which subject; a request's answer is the second. */
const KINDS: [RegExp, MessageKind, MessageKind?][] = [
  [/^claim|^owner\..+\.claim$/, 'claim', 'claimReply'],
  [/^secret\.keep$/, 'secretKeep', 'secretKeepReply'],
  [/^secret\.find$/, 'secretFind', 'secretFindReply'],
  [/^tts\.open/, 'voiceOpen', 'voiceOpenReply'],
  [/^tts\./, 'voiceOrder', 'voiceOrderReply'],
  [/^session\..+\.in$/, 'input', 'inputReply'],
  [/^session\..+\.out$/, 'output'],
  [/^session\..+\.report$/, 'report'],
  [/^session\..+\.timings$/, 'timings'],
  [/^session\..+\.visemes$/, 'visemes'],
  [/^owner\..+\.voice$/, 'voiceFailed'],
  [/^owner\..+\.probe$/, 'ownerProbe', 'ownerProbeReply'],
  [/^peer\./, 'peerPing'],
  [/^journal\./, 'journal'],
];

/** Records what the present code writes. */
export async function record(): Promise<Recording> {
  const stage = new Stage();
  const states: RecordedState[] = [];
  const messages = listen(stage);
  const store = stage.storeServer.connect();
  await converse(stage, async (moment, client) => {
    const loaded = await store.load(sessionOf(client));
    if (loaded.kind !== 'found' || !loaded.session.state) throw new Error(`nothing is stored: ${moment}`);
    states.push({ moment, state: JSON.parse(decoder.decode(loaded.session.state)) });
  });
  return { states, messages };
}

const sessionOf = (client: StagedClient): `sess_${string}` =>
  `sess_${String(client.events('parley.session')[0]?.['session_id']).slice('sess_'.length)}`;

/** One message of each shape: which fields it has, and what they are. Answers are seen by nobody but who asked. */
function listen({ busServer }: Stage): RecordedMessage[] {
  const messages: RecordedMessage[] = [];
  const seen = new Set<string>();
  const note = (kind: MessageKind | undefined, payload: Uint8Array): void => {
    if (kind === undefined || payload.length === 0) return;
    const message: unknown = JSON.parse(decoder.decode(payload));
    const shape = `${kind} ${JSON.stringify(shapesOf([message]))}`;
    if (seen.has(shape)) return;
    seen.add(shape);
    messages.push({ kind, message });
  };
  const send = busServer.send.bind(busServer);
  busServer.send = (subject, payload, reply) => {
    const [, kind, answerKind] = KINDS.find(([pattern]) => pattern.test(subject)) ?? [];
    note(kind, payload);
    const answer: typeof reply = (bytes, from) => {
      note(answerKind, bytes);
      reply?.(bytes, from);
    };
    return send(subject, payload, reply && answer);
  };
  return messages;
}
