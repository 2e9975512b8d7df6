import type { ObjectSchema, Schema } from './declared-schema';

/**
 * Where the server says more than the declarations of `openai` know. `section` is the one of openai-realtime.md, the facts
 * about the API, which has it so; nothing else may differ.
 */
export interface Deviation {
  /** The interface of the declarations. */
  readonly definition: string;
  readonly field: string;
  /** What the field may be, beside what its declaration says. */
  readonly may: Schema;
  readonly section: '§3' | '§4' | '§5.1' | '§5.4';
}

const NULL: Schema = { type: 'null' };
const TEXT: Schema = { type: 'string' };

export const DEVIATIONS: readonly Deviation[] = [
  // What is not known yet or does not apply is null on the wire; the declarations leave it out.
  { definition: 'RealtimeResponse', field: 'usage', may: NULL, section: '§5.1' },
  { definition: 'RealtimeResponse', field: 'status_details', may: NULL, section: '§3' },
  { definition: 'RealtimeResponse', field: 'conversation_id', may: NULL, section: '§5.4' },
  { definition: 'RealtimeConversationItemUserMessage.Content', field: 'transcript', may: NULL, section: '§5.1' },
  { definition: 'RealtimeSessionCreateRequest', field: 'include', may: NULL, section: '§4' },
  { definition: 'RealtimeAudioConfigInput', field: 'transcription', may: NULL, section: '§4' },
  { definition: 'RealtimeAudioConfigInput', field: 'noise_reduction', may: NULL, section: '§4' },
  // The declarations describe the session as a client sends it; the server's has three fields more.
  { definition: 'RealtimeSessionCreateRequest', field: 'id', may: TEXT, section: '§4' },
  { definition: 'RealtimeSessionCreateRequest', field: 'object', may: { const: 'realtime.session' }, section: '§4' },
  { definition: 'RealtimeSessionCreateRequest', field: 'expires_at', may: { type: 'integer' }, section: '§4' },
  // Why a response failed, in words.
  { definition: 'RealtimeResponseStatus.Error', field: 'message', may: TEXT, section: '§3' },
];

/** The definitions with one deviation in them. One that the declarations have caught up with is refused. */
export function deviate(
  definitions: Readonly<Record<string, ObjectSchema>>,
  { definition, field, may }: Deviation,
): Readonly<Record<string, ObjectSchema>> {
  const declared = definitions[definition];
  if (!declared) throw new Error(`there is no ${definition} to deviate from`);
  const before = declared.properties[field];
  const members = (before?.['anyOf'] as readonly Schema[] | undefined) ?? [before];
  const isKnown = members.some((member) => JSON.stringify(member) === JSON.stringify(may));
  if (isKnown) throw new Error(`${definition}.${field} is declared by now`);
  const schema = before === undefined ? may : { anyOf: [before, may] };
  return { ...definitions, [definition]: { ...declared, properties: { ...declared.properties, [field]: schema } } };
}
