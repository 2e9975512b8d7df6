import { startFakeProviders } from './fake-providers';
import type { FakeProviders } from './fake-providers';
import { HEADERS, MESSAGES } from './spec-client';

const CHAT = '/v1/chat/completions';
const SPEECH = '/v1/audio/speech';
const CHAT_BODY = { model: 'm', messages: MESSAGES };
const SPEECH_BODY = { model: 'm', voice: 'v', input: 'Hi', response_format: 'pcm' };
const CALL = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } };
const TOOL_CALL = { role: 'assistant', content: null, tool_calls: [CALL] };
const TOOL_RESULT = { role: 'tool', tool_call_id: 'call_1', content: '4 °C' };

interface ErrorBody {
  readonly error: Readonly<Record<'message' | 'type' | 'param' | 'code', string | null>>;
}

let fakes: FakeProviders;

beforeEach(async () => {
  fakes = await startFakeProviders({ apiKeys: ['test-key'] });
});

afterEach(() => fakes.close());

const send = (path: string, body: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${fakes.origin}${path}`, { method: 'POST', headers: HEADERS, body, ...init });

/** The error of a refused request; a refusal always has the four fields of the provider's error body. */
async function refusalOf(response: Response, status: number): Promise<ErrorBody['error']> {
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/json');
  const { error } = (await response.json()) as ErrorBody;
  expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type']);
  expect(error.type).toBe('invalid_request_error');
  return error;
}

const refuseChat = async (extra: object): Promise<ErrorBody['error']> =>
  refusalOf(await send(CHAT, JSON.stringify({ ...CHAT_BODY, ...extra })), 400);

const refuseSpeech = async (extra: object): Promise<ErrorBody['error']> =>
  refusalOf(await send(SPEECH, JSON.stringify({ ...SPEECH_BODY, ...extra })), 400);

describe.each([
  [CHAT, CHAT_BODY],
  [SPEECH, SPEECH_BODY],
])('%s refuses', (path, body) => {
  const sent = JSON.stringify(body);
  const contentType = { 'content-type': 'application/json' };

  it.each([
    ['no Authorization', contentType],
    ['another scheme', { ...contentType, authorization: 'Basic dGVzdDp0ZXN0' }],
    ['an empty bearer token', { ...contentType, authorization: 'Bearer ' }],
  ])('%s', async (_, headers) => {
    const error = await refusalOf(await send(path, sent, { headers }), 401);
    expect(error).toMatchObject({ param: null, code: null });
    expect(error.message).toContain("didn't provide an API key");
  });

  it('an unknown key, which it does not repeat', async () => {
    const headers = { ...contentType, authorization: 'Bearer sk-secret-of-mine' };
    const error = await refusalOf(await send(path, sent, { headers }), 401);
    expect(error.code).toBe('invalid_api_key');
    expect(error.message).not.toContain('secret-of-mine');
  });

  it.each(['GET', 'PUT', 'DELETE'])('the method %s', async (method) => {
    const response = await send(path, sent, method === 'GET' ? { method, body: null } : { method });
    expect(response.headers.get('allow')).toBe('POST');
    expect((await refusalOf(response, 405)).message).toContain(`Not allowed to ${method}`);
  });

  it.each(['', '{"model":', 'null', '[]', '"text"'])('the body %j, which is no JSON object', async (broken) => {
    expect((await refusalOf(await send(path, broken), 400)).message).toContain('could not parse the JSON body');
  });

  it('a content type other than JSON', async () => {
    const headers = { authorization: HEADERS.authorization, 'content-type': 'text/plain' };
    expect((await refusalOf(await send(path, sent, { headers }), 400)).code).toBe('unsupported_content_type');
  });

  it.each([undefined, null, '', 7])('the model %j', async (model) => {
    const error = await refusalOf(await send(path, JSON.stringify({ ...body, model })), 400);
    expect(error.message).toMatch(/model/);
  });

  it('nothing that is right, with a key from the list and a query', async () => {
    expect((await send(`${path}?api-version=1`, sent)).status).toBe(200);
  });
});

describe('any other path', () => {
  it.each(['/', '/v1', '/v1/models', '/chat/completions', '/v1/chat/completions/'])('%s is not found', async (path) => {
    const error = await refusalOf(await send(path, '{}'), 404);
    expect(error.message).toBe(`Invalid URL (POST ${path})`);
    expect(fakes.requests).toHaveLength(0);
  });
});

describe('the chat endpoint refuses', () => {
  it('a request without messages', async () => {
    const error = await refuseChat({ messages: undefined });
    expect(error).toMatchObject({ param: 'messages', code: 'missing_required_parameter' });
  });

  it.each([[[], 'empty_array'] as const, ['hello', 'invalid_type'] as const, [['hello'], 'invalid_type'] as const])(
    'messages that are %j',
    async (messages, code) => {
      expect((await refuseChat({ messages })).code).toBe(code);
    },
  );

  it('an unknown role and a missing one', async () => {
    const unknown = await refuseChat({ messages: [...MESSAGES, { role: 'agent', content: 'Hi' }] });
    expect(unknown).toMatchObject({ param: 'messages[1].role', code: 'invalid_value' });
    expect(unknown.message).toContain("'agent'");
    expect((await refuseChat({ messages: [{ content: 'Hi' }] })).code).toBe('missing_required_parameter');
  });

  it.each([
    ['user content that is null', { role: 'user', content: null }],
    ['user content that is missing', { role: 'user' }],
    ['assistant content that is null without tool calls', { role: 'assistant', content: null }],
    ['user content that is null beside tool calls', { ...TOOL_CALL, role: 'user' }],
  ])('%s', async (_, message) => {
    const error = await refuseChat({ messages: [message] });
    expect(error.message).toBe("Invalid value for 'content': expected a string, got null.");
    expect(error.param).toBe('messages.[0].content');
  });

  it.each([
    ['a number', 7],
    ['an empty list', []],
    ['a list of strings', ['Hi']],
    ['a text part without text', [{ type: 'text' }]],
    ['a list with null', [null]],
  ])('content that is %s', async (_, content) => {
    expect((await refuseChat({ messages: [{ role: 'user', content }] })).param).toContain('messages[0].content');
  });
});

describe('the chat endpoint, which knows the history, refuses', () => {
  it('an empty list of tool calls', async () => {
    const messages = [{ role: 'assistant', content: 'Hi', tool_calls: [] }];
    expect(await refuseChat({ messages })).toMatchObject({ code: 'empty_array', param: 'messages[0].tool_calls' });
  });

  it.each([
    ['at the end', [...MESSAGES, TOOL_CALL]],
    ['before the next message', [TOOL_CALL, ...MESSAGES]],
  ])('a tool call without its result %s', async (_, messages) => {
    expect((await refuseChat({ messages })).message).toContain('did not have response messages: call_1');
  });

  it('a tool result without its call', async () => {
    expect((await refuseChat({ messages: [...MESSAGES, TOOL_RESULT] })).message).toContain("role 'tool' must be");
    const withoutId = { ...TOOL_RESULT, tool_call_id: undefined };
    expect((await refuseChat({ messages: [TOOL_CALL, withoutId] })).code).toBe('missing_required_parameter');
    const ofAnother = { ...TOOL_RESULT, tool_call_id: 'call_2' };
    expect(await refuseChat({ messages: [TOOL_CALL, ofAnother] })).toMatchObject({
      message: "Invalid parameter: 'tool_call_id' of 'call_2' not found in 'tool_calls' of previous message.",
      param: 'messages.[1].tool_call_id',
    });
  });

  it.each([
    ['no id', { id: undefined }, 'id', 'missing_required_parameter'],
    ['no type', { type: undefined }, 'type', 'missing_required_parameter'],
    ['no function', { function: undefined }, 'function', 'missing_required_parameter'],
    ['a name with a space', { function: { name: 'get weather', arguments: '{}' } }, 'function.name', 'invalid_value'],
    ['no arguments', { function: { name: 'x' } }, 'function.arguments', 'missing_required_parameter'],
    ['arguments as an object', { function: { name: 'x', arguments: {} } }, 'function.arguments', 'invalid_type'],
  ])('a tool call with %s', async (_, change, param, code) => {
    const messages = [{ ...TOOL_CALL, tool_calls: [{ ...CALL, ...change }] }, TOOL_RESULT];
    expect(await refuseChat({ messages })).toMatchObject({ param: `messages[0].tool_calls[0].${param}`, code });
  });

  it('a stream that is no boolean, and stream options without a stream', async () => {
    expect((await refuseChat({ stream: 'yes' })).param).toBe('stream');
    expect((await refuseChat({ stream_options: { include_usage: true } })).param).toBe('stream_options');
  });

  it('nothing that is right: all roles, parts, and answered tool calls', async () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: 'Be kind.' },
      { role: 'user', content: [{ type: 'text', text: 'Weather?' }, { type: 'image_url' }] },
      TOOL_CALL,
      TOOL_RESULT,
      { role: 'assistant', content: '' },
      ...MESSAGES,
    ];
    expect((await send(CHAT, JSON.stringify({ ...CHAT_BODY, messages }))).status).toBe(200);
  });
});

describe('the speech endpoint refuses', () => {
  it.each([undefined, null, '', 7])('the input %j', async (input) => {
    expect((await refuseSpeech({ input })).param).toBe('input');
  });

  it('input of more than 4096 characters, counted as code points', async () => {
    expect((await refuseSpeech({ input: 'x'.repeat(4_097) })).message).toContain('at most 4096 characters');
    fakes.setDefaultSpeech({ kind: 'empty' });
    for (const input of ['x'.repeat(4_096), '😀'.repeat(4_096)]) {
      expect((await send(SPEECH, JSON.stringify({ ...SPEECH_BODY, input }))).status).toBe(200);
    }
  });

  it.each([undefined, null, '', 7, {}])('the voice %j', async (voice) => {
    expect((await refuseSpeech({ voice })).param).toBe('voice');
  });

  it.each(['ogg', 7, null])('the unknown format %j', async (format) => {
    const error = await refuseSpeech({ response_format: format });
    expect(error.param).toBe('response_format');
    expect(error.message).toContain("'mp3', 'opus', 'aac', 'flac', 'wav', 'pcm'");
  });

  it.each(['mp3', 'opus', 'aac', 'flac'])('%s, saying that only pcm and wav are supported here', async (format) => {
    const error = await refuseSpeech({ response_format: format });
    expect(error.message).toContain(`supports only 'pcm' and 'wav', not '${format}'`);
  });

  it('a request without a format, which means mp3', async () => {
    expect((await refuseSpeech({ response_format: undefined })).message).toContain("'mp3' (the default)");
  });

  it('a speed out of range, and a stream of events', async () => {
    expect((await refuseSpeech({ speed: 5 })).param).toBe('speed');
    expect((await refuseSpeech({ stream_format: 'sse' })).param).toBe('stream_format');
  });
});

describe('a refused request', () => {
  it('is recorded as refused, with what was sent, and takes nothing from the queue', async () => {
    fakes.nextChat({ kind: 'answer', text: 'Kept.' });
    await send(CHAT, JSON.stringify({ messages: [null, { role: 'user', content: [null] }] }));
    await send(CHAT, 'no JSON');
    await send(CHAT, '', { method: 'PUT' });
    expect(fakes.requests.map(({ kind, outcome }) => [kind, outcome])).toEqual(Array(3).fill(['chat', 'refused']));
    expect(fakes.requests[0]?.body).toMatchObject({ messages: [null, {}] });
    expect(fakes.requests[1]?.body).toEqual({});
    expect(await (await send(CHAT, JSON.stringify(CHAT_BODY))).text()).toContain('Kept.');
  });
});
