import { fieldsOf, type Fields } from '../support/fields';
import type { RealtimeEvent } from './realtime-event';

/** Events as the real server sends them (openai-realtime.md §3 to §5), for the specs of the judges: each is right as it stands. */

const FORMAT = { type: 'audio/pcm', rate: 24_000 };
const USAGE = {
  total_tokens: 30,
  input_tokens: 20,
  output_tokens: 10,
  input_token_details: {
    text_tokens: 20,
    audio_tokens: 0,
    image_tokens: 0,
    cached_tokens: 0,
    cached_tokens_details: { text_tokens: 0, audio_tokens: 0, image_tokens: 0 },
  },
  output_token_details: { text_tokens: 10, audio_tokens: 0 },
};

const SERVER_VAD = {
  type: 'server_vad',
  threshold: 0.5,
  prefix_padding_ms: 300,
  silence_duration_ms: 200,
  idle_timeout_ms: null,
  create_response: true,
  interrupt_response: true,
};

const session = (): Fields => ({
  type: 'realtime',
  object: 'realtime.session',
  id: 'sess_1',
  model: 'gpt-realtime',
  output_modalities: ['audio'],
  instructions: 'Be brief.',
  tools: [{ type: 'function', name: 'weather', description: 'Of a city.', parameters: { type: 'object' } }],
  tool_choice: 'auto',
  max_output_tokens: 'inf',
  tracing: null,
  truncation: 'auto',
  prompt: null,
  expires_at: 1_785_217_650,
  audio: {
    input: { format: FORMAT, transcription: null, noise_reduction: null, turn_detection: SERVER_VAD },
    output: { format: FORMAT, voice: 'alloy', speed: 1 },
  },
  include: null,
});

const response = (id: string, more: Fields): Fields => ({
  object: 'realtime.response',
  id,
  status: 'in_progress',
  status_details: null,
  output: [],
  conversation_id: 'conv_1',
  output_modalities: ['audio'],
  max_output_tokens: 'inf',
  audio: { output: { format: FORMAT, voice: 'alloy' } },
  usage: null,
  metadata: null,
  ...more,
});

const message = (id: string, status: string, content: Fields[]): Fields => ({
  ...{ id, type: 'message', status, role: 'assistant', content },
});

/** Without the id that its place gives it. */
type Told = RealtimeEvent;

/** The user speaks and the server answers aloud (§5.1), with the transcript of what was said in the midst of the answer. */
function spokenTurn(): Told[] {
  const heard = heardItem('item_u');
  const transcription = { item_id: 'item_u', content_index: 0 };
  return [
    { type: 'input_audio_buffer.speech_started', audio_start_ms: 1_460, item_id: 'item_u' },
    { type: 'input_audio_buffer.speech_stopped', audio_end_ms: 4_256, item_id: 'item_u' },
    { type: 'input_audio_buffer.committed', previous_item_id: null, item_id: 'item_u' },
    { type: 'conversation.item.added', previous_item_id: null, item: heard },
    { type: 'conversation.item.done', previous_item_id: null, item: heard },
    ...spokenResponse('resp_1', 'item_a', 'item_u', [
      { type: 'conversation.item.input_audio_transcription.delta', ...transcription, delta: 'Hello.' },
      {
        type: 'conversation.item.input_audio_transcription.completed',
        ...transcription,
        transcript: 'Hello.',
        usage: { type: 'duration', seconds: 3 },
      },
    ]),
    { type: 'rate_limits.updated', rate_limits: [{ name: 'tokens', limit: 100, remaining: 99, reset_seconds: 0.5 }] },
  ];
}

const heardItem = (id: string): Fields => ({
  ...{ id, type: 'message', status: 'completed', role: 'user', content: [{ type: 'input_audio', transcript: null }] },
});

/** Without turn detection, and what was said is not understood. */
function committedAudio(): Told[] {
  const place = { item_id: 'item_v', content_index: 0 };
  const error = { type: 'server_error', code: 'transcription_failed', message: 'It was too loud.' };
  return [
    { type: 'input_audio_buffer.committed', previous_item_id: 'item_o', item_id: 'item_v' },
    { type: 'conversation.item.added', previous_item_id: 'item_o', item: heardItem('item_v') },
    { type: 'conversation.item.done', previous_item_id: 'item_o', item: heardItem('item_v') },
    { type: 'conversation.item.input_audio_transcription.failed', ...place, error },
  ];
}

function spokenResponse(id: string, itemId: string, previous: string, meanwhile: Told[] = [], isCut = false): Told[] {
  const place = { response_id: id, item_id: itemId, output_index: 0, content_index: 0 };
  const begun = message(itemId, 'in_progress', []);
  const ended = message(itemId, isCut ? 'incomplete' : 'completed', [{ type: 'output_audio', transcript: 'Yes. No.' }]);
  const status = isCut
    ? { status: 'cancelled', status_details: { type: 'cancelled', reason: 'client_cancelled' } }
    : { status: 'completed' };
  return [
    { type: 'response.created', response: response(id, {}) },
    { type: 'response.output_item.added', response_id: id, output_index: 0, item: begun },
    { type: 'conversation.item.added', previous_item_id: previous, item: begun },
    { type: 'response.content_part.added', ...place, part: { type: 'audio', transcript: '' } },
    { type: 'response.output_audio_transcript.delta', ...place, delta: 'Yes.' },
    { type: 'response.output_audio.delta', ...place, delta: 'AAAA' },
    ...meanwhile,
    { type: 'response.output_audio_transcript.delta', ...place, delta: ' No.' },
    { type: 'response.output_audio.delta', ...place, delta: 'AAAA' },
    { type: 'response.output_audio.done', ...place },
    { type: 'response.output_audio_transcript.done', ...place, transcript: 'Yes. No.' },
    { type: 'response.content_part.done', ...place, part: { type: 'audio', transcript: 'Yes. No.' } },
    { type: 'conversation.item.done', previous_item_id: previous, item: ended },
    { type: 'response.output_item.done', response_id: id, output_index: 0, item: ended },
    { type: 'response.done', response: response(id, { ...status, output: [ended], usage: USAGE }) },
  ];
}

/** A function is called, and its result comes before `response.done`. */
function call(): Told[] {
  const place = { response_id: 'resp_2', item_id: 'item_c', output_index: 0, call_id: 'call_1' };
  const item = (status: string, text: string): Fields => ({
    ...{ id: 'item_c', type: 'function_call', status, call_id: 'call_1', name: 'weather', arguments: text },
  });
  const done = item('completed', '{}');
  const result = { id: 'item_o', type: 'function_call_output', call_id: 'call_1', output: '22', status: 'completed' };
  return [
    { type: 'response.created', response: response('resp_2', { metadata: { topic: 'weather' } }) },
    { type: 'response.output_item.added', response_id: 'resp_2', output_index: 0, item: item('in_progress', '') },
    { type: 'conversation.item.added', previous_item_id: 'item_a', item: item('in_progress', '') },
    { type: 'response.function_call_arguments.delta', ...place, delta: '{}' },
    { type: 'response.function_call_arguments.done', ...place, name: 'weather', arguments: '{}' },
    { type: 'conversation.item.done', previous_item_id: 'item_a', item: done },
    { type: 'response.output_item.done', response_id: 'resp_2', output_index: 0, item: done },
    { type: 'conversation.item.added', previous_item_id: 'item_c', item: result },
    { type: 'conversation.item.done', previous_item_id: 'item_c', item: result },
    {
      type: 'response.done',
      response: response('resp_2', {
        ...{ status: 'completed', output: [done], usage: USAGE, metadata: { topic: 'weather' } },
      }),
    },
  ];
}

/** A text beside the conversation (§5.4). */
function outOfBand(): Told[] {
  const place = { response_id: 'resp_3', item_id: 'item_t', output_index: 0, content_index: 0 };
  const none = { conversation_id: null, output_modalities: ['text'], metadata: { purpose: 'title' } };
  const ended = message('item_t', 'completed', [{ type: 'output_text', text: 'Rain.' }]);
  return [
    { type: 'response.created', response: response('resp_3', none) },
    {
      ...{ type: 'response.output_item.added', response_id: 'resp_3', output_index: 0 },
      item: message('item_t', 'in_progress', []),
    },
    { type: 'response.content_part.added', ...place, part: { type: 'text', text: '' } },
    { type: 'response.output_text.delta', ...place, delta: 'Rain.' },
    { type: 'response.output_text.done', ...place, text: 'Rain.' },
    { type: 'response.content_part.done', ...place, part: { type: 'text', text: 'Rain.' } },
    { type: 'response.output_item.done', response_id: 'resp_3', output_index: 0, item: ended },
    {
      type: 'response.done',
      response: response('resp_3', { ...none, status: 'completed', output: [ended], usage: USAGE }),
    },
  ];
}

/** An answer that is cut, then asked for and deleted (§5.2). */
function interruption(): Told[] {
  const item = message('item_b', 'incomplete', [{ type: 'output_audio', transcript: 'Yes.' }]);
  return [
    ...spokenResponse('resp_4', 'item_b', 'item_o', [], true),
    { type: 'conversation.item.truncated', item_id: 'item_b', content_index: 0, audio_end_ms: 240 },
    { type: 'conversation.item.retrieved', item },
    { type: 'conversation.item.deleted', item_id: 'item_b' },
  ];
}

/** One that fails before it has said anything. */
function failure(): Told[] {
  const error = { type: 'server_error', code: 'llm_unavailable', message: 'The model does not answer.' };
  const failed = { status: 'failed', status_details: { type: 'failed', error }, usage: USAGE };
  return [
    { type: 'response.created', response: response('resp_5', {}) },
    { type: 'response.done', response: response('resp_5', failed) },
  ];
}

const ERROR: Told = {
  type: 'error',
  error: {
    type: 'invalid_request_error',
    code: 'response_cancel_not_active',
    message: 'Cancellation failed: no active response found',
    param: null,
    event_id: 'mine_3',
  },
};

/** A whole conversation, with every kind of event that a client without microphone or with one receives. */
export function sampleConversation(): RealtimeEvent[] {
  const told: Told[] = [
    { type: 'session.created', session: session() },
    { type: 'session.updated', session: session() },
    ...spokenTurn(),
    ...call(),
    ...outOfBand(),
    ...interruption(),
    ...committedAudio(),
    ...failure(),
    { type: 'input_audio_buffer.cleared' },
    ERROR,
  ];
  return told.map((event, index) => ({ ...event, event_id: `event_${index}` }));
}

/** The first event of a type in it. */
export function sampleEvent(type: string): RealtimeEvent {
  const found = sampleConversation().find((event) => event.type === type);
  if (!found) throw new Error(`the sample has no ${type}`);
  return found;
}

/** The same with one field replaced, named by a path such as `response.usage`; undefined takes it out. */
export function spoiled(type: string, path: string, value: unknown): RealtimeEvent {
  const replace = (fields: Fields, [name = '', ...rest]: readonly string[]): Fields => {
    const inner = rest.length === 0 ? value : replace(fieldsOf(fields[name]), rest);
    return Object.fromEntries(Object.entries({ ...fields, [name]: inner }).filter(([, kept]) => kept !== undefined));
  };
  return { type, ...replace(sampleEvent(type), path.split('.')) };
}
