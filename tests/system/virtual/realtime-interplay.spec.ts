import type { GatewayService } from '@parley/service-gateway';
import { fieldsOf, type Fields } from '../support/fields';
import { ANSWER } from './answer';
import { Stage, type StagedClient, type StagedProcess } from './stage';

const MARK = ' [interrupted by the user]';
/** What the voice takes for it, 60 ms a character without the blanks between sentences. */
const ANSWER_MS = (ANSWER.length - 1) * 60;

/** Where the ways of Realtime clients meet those of the engine. */
describe('a Realtime client that does as it likes, on virtual time', () => {
  let stage: Stage;
  let owner: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = new Stage();
    ({ orchestrator: owner, gateway } = await stage.cluster());
    client = await stage.connect(gateway.service, { query: {}, subprotocols: ['realtime'] });
  });
  afterEach(() => {
    // Nothing of Parley to a client that did not ask.
    expect(client.events().filter(({ type }) => type.startsWith('parley.'))).toEqual([]);
  });

  const passes = (ms: number): Promise<void> => stage.system.advanceBy(ms);
  const says = (text: string): void =>
    client.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
    });
  const create = (): void => client.send({ type: 'response.create' });
  const answerIds = (): unknown[] =>
    client.events('response.output_item.added').map((event) => fieldsOf(event['item'])['id']);
  const truncate = (audioEndMs: number): void =>
    client.send({
      type: 'conversation.item.truncate',
      ...{ item_id: answerIds().at(-1), content_index: 0, audio_end_ms: audioEndMs },
    });
  const done = (): Fields[] => client.events('response.done').map((event) => fieldsOf(event['response']));
  const errors = (): unknown[] => client.events('error').map((event) => fieldsOf(event['error'])['code']);
  const asked = (): string[] => stage.llm.asked.at(-1)?.map(({ content }) => content) ?? [];

  it('gets another response while it still plays the one before, and both whole', async () => {
    stage.tts.pace = 20;
    says('hello');
    create();
    // Generated much faster than heard: two seconds are still to be played.
    await passes(2_000);
    expect(done()).toMatchObject([{ status: 'completed' }]);
    says('and?');
    create();
    await passes(10_000);
    expect(errors()).toEqual([]);
    expect(done()).toMatchObject([{ status: 'completed' }, { status: 'completed' }]);
    expect(asked()).toEqual(['Be brief.', 'hello', ANSWER, 'and?']);
  });

  it('interrupts by a truncation alone', async () => {
    says('hello');
    create();
    await passes(1_500);
    truncate(700);
    await passes(100);
    expect(done()).toMatchObject([{ status: 'cancelled', output: [{ status: 'incomplete' }] }]);
    expect(client.events('conversation.item.truncated')).toMatchObject([{ audio_end_ms: 700 }]);
    says('and?');
    create();
    await passes(100);
    expect(asked()).toEqual(['Be brief.', 'hello', `One two${MARK}`, 'and?']);
  });

  it('truncates after an interruption: what was heard goes down to that, and never up', async () => {
    says('hello');
    create();
    await passes(1_500);
    client.send({ type: 'response.cancel' });
    truncate(700);
    truncate(1_300);
    await passes(100);
    expect(errors()).toEqual([]);
    expect(client.events('conversation.item.truncated')).toHaveLength(2);
    says('and?');
    create();
    await passes(100);
    expect(asked()).toEqual(['Be brief.', 'hello', `One two${MARK}`, 'and?']);
  });

  it('truncates behind the end, which is the end', async () => {
    says('hello');
    create();
    await passes(ANSWER_MS + 1_000);
    truncate(60_000);
    says('and?');
    create();
    await passes(100);
    expect(errors()).toEqual([]);
    expect(client.events('conversation.item.truncated')).toMatchObject([{ audio_end_ms: ANSWER_MS }]);
    expect(asked()).toEqual(['Be brief.', 'hello', ANSWER, 'and?']);
  });

  it('says more before the answer has a word, and is told of no item that it does not know', async () => {
    says('hello');
    create();
    says('late');
    await passes(ANSWER_MS + 1_000);
    const added = client
      .events('conversation.item.added')
      .map((event) => [event['previous_item_id'], fieldsOf(event['item'])['id']]);
    const [[, hello], [behind, late], [before, answer]] = added as [unknown[], unknown[], unknown[]];
    expect([behind, before]).toEqual([hello, hello]);
    expect([late, answer].includes(undefined)).toBe(false);
    create();
    await passes(100);
    expect(asked()).toEqual(['Be brief.', 'hello', ANSWER, 'late']);
  });

  it('deletes a call and then its result, and both are gone', async () => {
    const call = { type: 'function_call', id: 'fc', call_id: 'call_1', name: 'weather', arguments: '{}' };
    const output = { type: 'function_call_output', id: 'fo', call_id: 'call_1', output: '22' };
    for (const item of [call, output]) client.send({ type: 'conversation.item.create', item });
    for (const item_id of ['fc', 'fo']) client.send({ type: 'conversation.item.delete', item_id });
    client.send({ type: 'conversation.item.retrieve', item_id: 'fo', event_id: 'gone' });
    await passes(50);
    expect(client.events('conversation.item.deleted')).toMatchObject([{ item_id: 'fc' }, { item_id: 'fo' }]);
    expect(errors()).toEqual(['item_retrieve_invalid_item_id']);
  });

  it('brings its history back: parallel calls in its own order, an answer in parts that was interrupted', async () => {
    const calls = ['1', '2'].map((n) => ({
      type: 'function_call',
      id: `c${n}`,
      call_id: n,
      name: 'f',
      arguments: '{}',
    }));
    const results = ['1', '2'].map((n) => ({ type: 'function_call_output', id: `o${n}`, call_id: n, output: n }));
    const content = ['One.', 'Two.'].map((text) => ({ type: 'output_text', text }));
    const answer = { type: 'message', id: 'a', role: 'assistant', status: 'incomplete', content };
    const items = [...calls, ...results, answer];
    for (const [index, item] of items.entries()) {
      const previous = index === 0 ? 'root' : items[index - 1]?.id;
      client.send({ type: 'conversation.item.create', previous_item_id: previous, item });
    }
    client.send({ type: 'conversation.item.create', previous_item_id: 'nobody', item: { ...results[0], id: 'x' } });
    await passes(50);
    expect(client.events('conversation.item.added').map((event) => event['previous_item_id'])).toEqual([
      ...[null, 'c1', 'c2', 'o1', 'o2'],
    ]);
    expect(client.events('conversation.item.done').at(-1)?.['item']).toMatchObject({ status: 'incomplete', content });
    expect(errors()).toHaveLength(1);
    create();
    await passes(50);
    expect(asked()).toEqual(['Be brief.', '', '1', '', '2', `One.\nTwo.${MARK}`]);
  });

  it('is not left after forty quiet minutes, also when its owner is lost then', async () => {
    await passes(40 * 60_000);
    owner.kill();
    await stage.orchestrator();
    says('hello');
    create();
    await passes(ANSWER_MS + 1_000);
    expect(done()).toMatchObject([{ status: 'completed' }]);
  });

  it('cancels nothing, and is told so by the code that clients know; the next turn works', async () => {
    client.send({ type: 'response.cancel', event_id: 'nothing' });
    await passes(50);
    expect(client.events('error')).toMatchObject([
      { error: { code: 'response_cancel_not_active', event_id: 'nothing' } },
    ]);
    says('hello');
    create();
    await passes(10_000);
    client.send({ type: 'response.cancel' });
    await passes(50);
    expect(errors()).toEqual(['response_cancel_not_active', 'response_cancel_not_active']);
    expect(done()).toMatchObject([{ status: 'completed' }]);
  });

  it('never truncates: of what it cancels the model has what can have been heard by then', async () => {
    says('hello');
    create();
    await passes(1_500);
    client.send({ type: 'response.cancel' });
    says('and?');
    create();
    await passes(100);
    const [, , heard = ''] = asked();
    expect(heard.endsWith(MARK)).toBe(true);
    expect(ANSWER.startsWith(heard.slice(0, -MARK.length))).toBe(true);
    expect(heard.length - MARK.length).toBeLessThanOrEqual(1_500 / 60);
  });

  it('sends all it has at once, and gets the acknowledgements in its order', async () => {
    for (const text of ['one', 'two', 'three']) says(text);
    create();
    await passes(200);
    const order = client
      .events()
      .filter(({ type }) => ['conversation.item.added', 'response.created'].includes(type))
      .slice(0, 4)
      .map(({ type, item }) => (type === 'response.created' ? type : fieldsOf(contentOf(item))['text']));
    expect(order).toEqual(['one', 'two', 'three', 'response.created']);
    expect(asked()).toEqual(['Be brief.', 'one', 'two', 'three']);
  });

  it('types on while a function runs: the answer does without the result, the next one has it', async () => {
    stage.llm.callsFor = (text) => (text === 'weather?' ? [{ name: 'weather', arguments: '{}' }] : []);
    client.send({
      type: 'session.update',
      session: { type: 'realtime', tools: [{ type: 'function', name: 'weather' }] },
    });
    says('weather?');
    create();
    await passes(10_000);
    const [call] = client.events('response.function_call_arguments.done');
    says('are you there?');
    create();
    await passes(10_000);
    expect(asked()).toEqual(['Be brief.', 'weather?', ANSWER, 'No result yet.', 'are you there?']);
    client.send({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: call?.['call_id'], output: '22' },
    });
    create();
    await passes(100);
    expect(asked().slice(0, 4)).toEqual(['Be brief.', 'weather?', ANSWER, '22']);
    expect(errors()).toEqual([]);
  });
});

const contentOf = (item: unknown): unknown => {
  const { content } = fieldsOf(item);
  return Array.isArray(content) ? content[0] : undefined;
};
