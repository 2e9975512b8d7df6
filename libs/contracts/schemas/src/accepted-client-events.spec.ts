import { DEFAULT_POLICY, wirePolicy } from '@parley/model';
import { item, parley, part, realtime } from './client-event.fixture';
import { parseClientEvent, parseClientText } from './client-event-parser';

describe('client events that are accepted', () => {
  const accepted: [string, object][] = [
    ['session.update with nothing to change', { type: 'session.update', session: { type: 'realtime' } }],
    [
      'session.update with everything',
      {
        type: 'session.update',
        event_id: 'e1',
        session: { type: 'realtime', instructions: 'Be brief.', audio: { output: { voice: 'alloy' } } },
      },
    ],
    [
      // As @openai/agents-realtime sends it.
      'session.update with the settings of an agent',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          instructions: 'Be nice',
          model: 'my-model',
          output_modalities: ['audio'],
          audio: {
            input: {
              format: { type: 'audio/pcm', rate: 24_000 },
              noise_reduction: null,
              transcription: { model: 'gpt-4o-mini-transcribe' },
              turn_detection: { type: 'semantic_vad' },
            },
            output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'marin', speed: 1 },
          },
        },
      },
    ],
    [
      // As the declarations of `openai` and the API's reference have it beyond that.
      'session.update of what listens, whole',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          audio: {
            input: {
              noise_reduction: { type: 'near_field', strength: 0.5 },
              transcription: {
                ...{ model: 'gpt-realtime-whisper', language: 'de', languages: ['de', 'en'] },
                ...{ prompt: 'Names of plants.', keywords: ['quokka'], delay: 'low' },
              },
            },
          },
        },
      },
    ],
    ['session.update of tracing alone', { type: 'session.update', session: { type: 'realtime', tracing: 'auto' } }],
    [
      'session.update with every other setting',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          max_output_tokens: 'inf',
          parallel_tool_calls: true,
          reasoning: { effort: 'low' },
          truncation: { type: 'retention_ratio', retention_ratio: 0.5, token_limits: { post_instructions: 900 } },
          prompt: { id: 'pmpt_1', version: null, variables: { name: 'Ada' } },
          include: ['item.input_audio_transcription.logprobs'],
          audio: {
            input: {
              format: { type: 'audio/pcmu' },
              noise_reduction: { type: 'far_field' },
              turn_detection: { threshold: 0.7, idle_timeout_ms: null },
            },
            output: { format: { type: 'audio/pcma' }, voice: { id: 'voice_1' } },
          },
        },
      },
    ],
    [
      'session.update that puts instructions back',
      { type: 'session.update', session: { type: 'realtime', instructions: null } },
    ],
    ['a user item', item()],
    ['a system item', item({ role: 'system' })],
    ['an assistant item', item({ role: 'assistant', content: [part('output_text')] })],
    ['an item with an id of its own', item({ id: 'item_1' })],
    ['an item at the front', { ...item(), previous_item_id: 'root' }],
    ['an item after nothing', { ...item(), previous_item_id: null }],
    ['a truncation', { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 1500 }],
    ['a truncation at zero', { type: 'conversation.item.truncate', item_id: 'i', content_index: 0, audio_end_ms: 0 }],
    ['response.create', { type: 'response.create' }],
    ['response.create without wishes', { type: 'response.create', response: {} }],
    [
      'response.create with metadata',
      { type: 'response.create', response: { instructions: 'Be brief.', metadata: { client_event_id: 'x' } } },
    ],
    [
      'response.create with everything',
      {
        type: 'response.create',
        response: {
          conversation: 'none',
          input: [
            { type: 'item_reference', id: 'item_1' },
            {
              type: 'message',
              role: 'user',
              content: [part('input_text')],
              status: 'completed',
              object: 'realtime.item',
            },
            { type: 'function_call', name: 'weather', arguments: '{}', call_id: 'call_1' },
            { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
          ],
          instructions: 'Be brief.',
          tools: [{ type: 'function', name: 'weather' }],
          tool_choice: { type: 'function', name: 'weather' },
          max_output_tokens: 4096,
          output_modalities: ['text'],
          audio: { output: { format: { type: 'audio/pcmu' }, voice: { id: 'marin' } } },
          metadata: { a: 'b' },
          parallel_tool_calls: false,
          prompt: { id: 'pmpt_1' },
          reasoning: { effort: 'low' },
        },
      },
    ],
    ['response.create with an empty input', { type: 'response.create', response: { input: [] } }],
    [
      'an item that was called',
      item({ type: 'function_call', role: undefined, content: undefined, name: 'f', arguments: '' }),
    ],
    ['a retrieval', { type: 'conversation.item.retrieve', item_id: 'item_1' }],
    ['a deletion', { type: 'conversation.item.delete', item_id: 'item_1' }],
    [
      'session.update to text, few tokens and a fast voice',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          output_modalities: ['text'],
          max_output_tokens: 1,
          audio: { output: { speed: 1.5 } },
        },
      },
    ],
    ['response.create with null metadata', { type: 'response.create', response: { metadata: null } }],
    ['response.cancel', { type: 'response.cancel' }],
    ['response.cancel of a response', { type: 'response.cancel', response_id: 'resp_1' }],
    ['a transcript', { type: 'parley.transcript.final', turn_id: 't1', text: 'What is the time?' }],
    ['a transcript without a turn id', { type: 'parley.transcript.final', text: 'hi' }],
    ['speech', { type: 'parley.speech.started' }],
    ['the end of speech', { type: 'parley.speech.stopped' }],
    ['partial words', { type: 'parley.transcript.partial', turn_id: 't1', text: 'What is' }],
    ['words for the agent', { type: 'parley.say', text: 'Hello.', interruptible: false }],
    ['mute', { type: 'parley.mute', muted: true }],
    [
      'a whole policy',
      {
        type: 'parley.policy.update',
        policy: { ...wirePolicy(DEFAULT_POLICY), away_after_ms: 15_000, away_prompt: 'Ask.' },
      },
    ],
    [
      'tools',
      {
        type: 'session.update',
        session: {
          type: 'realtime',
          tools: [{ type: 'function', name: 'weather', description: 'x', parameters: { type: 'object' } }],
          tool_choice: { type: 'function', name: 'weather' },
        },
      },
    ],
    [
      'the result of a function',
      { type: 'conversation.item.create', item: { type: 'function_call_output', id: 'i', call_id: 'c', output: '' } },
    ],
    ['an interrupt', { type: 'parley.interrupt' }],
    ['an interrupt of a response', { type: 'parley.interrupt', response_id: 'resp_1' }],
    ['a playback report', { type: 'parley.playback', response_id: 'resp_1', played_ms: 12.5 }],
    ['the last playback report', { type: 'parley.playback', response_id: 'resp_1', played_ms: 0, ended: true }],
    ['a ping', { type: 'parley.ping', event_id: 'p' }],
    ['text of the greatest length', { type: 'parley.transcript.final', text: 'a'.repeat(32_768) }],
    ['ids of the greatest length', { type: 'response.cancel', event_id: 'e'.repeat(64) }],
  ];
  it.each(accepted)('%s', (_, event) => {
    expect(parseClientText(JSON.stringify(event), parley)).toEqual({ ok: true, event });
  });

  it('sixteen metadata entries of 64 and 512 characters', () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 16 }, (_, i) => [`${i}`.padStart(64, 'k'), 'v'.repeat(512)]),
    );
    const event = { type: 'response.create', response: { metadata } };
    expect(parseClientEvent(event, realtime)).toEqual({ ok: true, event });
  });
});
