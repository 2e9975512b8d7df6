import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { errorOf, finishTurn, speakTurn, type SpokenResponse } from '../support/spoken-turn';
import { TestClient, type WireEvent } from '../support/test-client';

const WEATHER = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
const ARGUMENTS = '{"city":"Ulm"}';
const PROMISE = 'One moment please. ';
const REPORT = 'It is 22 degrees in Ulm.';

jest.setTimeout(60_000);

describe('functions over real sockets, NATS and Redis', () => {
  let faked: FakedCluster;
  let client: TestClient;

  beforeAll(async () => {
    faked = await startFakedCluster();
    faked.llm.setDefaultChat({ kind: 'answer', text: REPORT });
    faked.llm.chatRule(({ text, body }) =>
      text.startsWith('Weather') && body.messages?.at(-1)?.role === 'user'
        ? { kind: 'answer', text: PROMISE, toolCalls: [{ name: 'weather', arguments: ARGUMENTS }] }
        : undefined,
    );
    // Its speaking outlasts every pause of this process between the call and what a test does next.
    faked.voice.speechRule(({ text }) =>
      text.trim() === PROMISE.trim()
        ? { kind: 'voice', samplesPerCharacter: 120, content: 'indexed', firstByteDelayMs: 2_000 }
        : undefined,
    );
  });
  afterAll(() => faked?.stop());
  beforeEach(async () => {
    client = await TestClient.connect({ url: faked.cluster.url });
    client.send({ type: 'session.update', session: { type: 'realtime', tools: [WEATHER], tool_choice: 'auto' } });
    await client.waitForType('session.updated');
  });
  afterEach(() => client.close());

  const called = (): Promise<WireEvent> => client.waitForType('response.function_call_arguments.done');
  const returns = (callId: unknown, output: string): void =>
    client.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: callId, output } });
  /** What the provider received last. */
  const lastRequest = (): Readonly<Record<string, unknown>> => {
    const chats = faked.llm.requests.flatMap((request) => (request.kind === 'chat' ? [request.body] : []));
    return fieldsOf(chats.at(-1));
  };
  async function answerTo(event: Record<string, unknown>): Promise<SpokenResponse> {
    const from = client.arrivals.length;
    client.send(event);
    const created = await client.waitForType('response.created', 10_000, from);
    const id = String(fieldsOf(created['response'])['id']);
    return finishTurn(client, id, { from, startedMs: performance.now() });
  }

  it('[TO1][TO3] a function is called, answered before response.done, and its result is what the model speaks of', async () => {
    const turn = speakTurn(client, 'Weather in Ulm?');
    const call = await called();
    expect(call).toMatchObject({
      name: 'weather',
      arguments: ARGUMENTS,
      call_id: expect.stringMatching(/^call_.{1,27}$/),
    });
    expect(client.events().filter(({ type }) => type === 'response.done')).toEqual([]);
    returns(call['call_id'], '22');
    expect(await turn).toMatchObject({ status: 'completed', errors: [] });
    expect(lastRequest()['tools']).toEqual([
      { type: 'function', function: expect.objectContaining({ name: 'weather', parameters: WEATHER.parameters }) },
    ]);

    const answer = await answerTo({ type: 'response.create' });
    expect(answer).toMatchObject({ status: 'completed', errors: [] });
    expect(answer.texts.join('')).toBe(REPORT);
    const messages = lastRequest()['messages'] as Readonly<Record<string, unknown>>[];
    expect(messages.slice(1)).toEqual([
      { role: 'user', content: 'Weather in Ulm?' },
      {
        role: 'assistant',
        content: PROMISE,
        tool_calls: [{ id: expect.any(String), type: 'function', function: { name: 'weather', arguments: ARGUMENTS } }],
      },
      { role: 'tool', tool_call_id: expect.any(String), content: '22' },
    ]);
    const [{ id }] = messages[2]?.['tool_calls'] as [{ id: string }];
    expect(messages[3]?.['tool_call_id']).toBe(id);
  });

  it('[TO6][TO7] a result that comes after an interruption is kept, once, and the next answer knows of it', async () => {
    void speakTurn(client, 'Weather in Ulm?').catch(() => undefined);
    const call = await called();
    client.send({ type: 'parley.interrupt' });
    await client.waitForType('parley.response.interrupted');
    returns(call['call_id'], '22');
    returns(call['call_id'], '23');
    const error = await client.waitForType('error');
    expect(errorOf(error)).toMatchObject({ code: 'invalid_tool_call_id', param: 'item.call_id' });
    expect(await speakTurn(client, 'And now?')).toMatchObject({ status: 'completed' });
    const messages = lastRequest()['messages'] as Readonly<Record<string, unknown>>[];
    expect(messages.filter(({ role }) => role === 'tool').map(({ content }) => content)).toEqual(['22']);
  });
});
