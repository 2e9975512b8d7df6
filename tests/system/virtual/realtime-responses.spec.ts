import { DEFAULT_POLICY } from '@parley/model';
import type { GatewayService } from '@parley/service-gateway';
import { LOOK_AHEAD_MS } from '@parley/service-tts';
import { fieldsOf, type Fields } from '../support/fields';
import { ANSWER, FIRST, SECOND } from './answer';
import { wholeOf } from './heard';
import { ReturningClient } from './returning-client';
import { Stage, type StagedClient, type StagedProcess } from './stage';

const REALTIME = { query: {}, subprotocols: ['realtime'] };
const AUDIO = wholeOf(FIRST, SECOND);

/** What one response can have of its own, and what stands beside the conversation. */
describe('responses of the real services on virtual time', () => {
  let stage: Stage;
  let orchestrator: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = Stage.exact();
    // All of an answer is on its way before it is heard.
    stage.lookAheadMs = LOOK_AHEAD_MS;
    ({ orchestrator, gateway } = await stage.cluster());
    client = await stage.connect(gateway.service, REALTIME);
  });

  const create = (response: Record<string, unknown> = {}): void => client.send({ type: 'response.create', response });
  const item = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
  const says = (text: string): void => client.send({ type: 'conversation.item.create', item: item(text) });
  const endOf = (topic: string): Fields =>
    fieldsOf(client.events('response.done').find((event) => topicOf(event['response']) === topic)?.['response']);
  const topicOf = (response: unknown): unknown => fieldsOf(fieldsOf(response)['metadata'])['topic'];
  const audioOf = (response: Fields): Buffer =>
    Buffer.concat(
      client
        .events('response.output_audio.delta')
        .filter((event) => event['response_id'] === response['id'])
        .map((event) => Buffer.from(String(event['delta']), 'base64')),
    );

  it('go on beside each other, each heard whole and told apart by its metadata', async () => {
    says('hello');
    create({ metadata: { topic: 'talk' } });
    create({ conversation: 'none', metadata: { topic: 'side' } });
    create({
      conversation: 'none',
      metadata: { topic: 'title' },
      output_modalities: ['text'],
      input: [item('A title?')],
    });
    await stage.system.advanceBy(20_000);
    for (const topic of ['talk', 'side']) {
      expect(endOf(topic)).toMatchObject({ status: 'completed' });
      expect(audioOf(endOf(topic)).equals(AUDIO)).toBe(true);
    }
    expect([endOf('talk'), endOf('side'), endOf('title')].map((each) => each['conversation_id'] === null)).toEqual([
      ...[false, true, true],
    ]);
    expect(endOf('title')).toMatchObject({
      output_modalities: ['text'],
      output: [{ content: [{ type: 'output_text', text: ANSWER }] }],
    });
    expect(stage.llm.asked[2]).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'A title?' },
    ]);
    // Nothing of it is remembered.
    says('and now?');
    create();
    await stage.system.advanceBy(100);
    expect(stage.llm.asked[3]?.map(({ content }) => content)).toEqual([...['Be brief.', 'hello', ANSWER, 'and now?']]);
  });

  it('are written without a voice where a session wants text, with as many tokens as it says', async () => {
    client.send({
      type: 'session.update',
      session: { type: 'realtime', output_modalities: ['text'], max_output_tokens: 50 },
    });
    says('hello');
    create();
    await stage.system.advanceBy(2_000);
    create({ max_output_tokens: 7 });
    await stage.system.advanceBy(2_000);
    expect(stage.llm.limits).toEqual([50, 7]);
    expect(stage.tts.spoken).toEqual([]);
    const done = client.events('response.done').map((event) => fieldsOf(event['response']));
    expect(done).toMatchObject([
      { status: 'completed', output_modalities: ['text'], max_output_tokens: 50 },
      { status: 'completed', output_modalities: ['text'], max_output_tokens: 7 },
    ]);
    expect(client.events('response.output_text.done')).toMatchObject([{ text: ANSWER }, { text: ANSWER }]);
  });

  it('[G6] out of band survive the death of their owner as the conversation’s does', async () => {
    // Or all of it was spoken before anybody noticed.
    stage.tts.pace = 2;
    says('hello');
    create({ metadata: { topic: 'talk' } });
    create({ conversation: 'none', metadata: { topic: 'side' } });
    await stage.system.advanceBy(700);
    await stage.orchestrator();
    orchestrator.kill();
    // A voice that is not asked for anew would be missed after five seconds only.
    await stage.system.advanceBy(4_500);
    for (const topic of ['talk', 'side']) {
      expect(endOf(topic)).toMatchObject({ status: 'completed' });
      expect(audioOf(endOf(topic)).equals(AUDIO)).toBe(true);
    }
    expect(client.events('error')).toEqual([]);
  });

  it('[G6] out of band come whole to a client that lost its connection in the middle of them', async () => {
    const returning = new ReturningClient(stage);
    await returning.connect(gateway.service);
    returning.send({ type: 'response.create', response: { conversation: 'none', metadata: { topic: 'side' } } });
    await stage.system.advanceBy(100);
    returning.drop();
    await stage.system.advanceBy(500);
    await returning.resume(gateway.service);
    expect(returning.got.filter(({ kind }) => kind === 'audio').length).toBeGreaterThan(1);
    await stage.system.advanceBy(20_000);
    const pieces = returning.all().flatMap((arrival) => (arrival.kind === 'audio' ? [arrival.pcm] : []));
    expect(Buffer.concat(pieces).equals(AUDIO)).toBe(true);
    expect(returning.events('response.done')).toMatchObject([
      { response: { status: 'completed', conversation_id: null, metadata: { topic: 'side' } } },
    ]);
  });

  it('out of band end by their name alone', async () => {
    says('hello');
    create({ metadata: { topic: 'talk' } });
    create({ conversation: 'none', metadata: { topic: 'side' } });
    await stage.system.advanceBy(60);
    const begun = client.events('response.created').map((event) => fieldsOf(event['response']));
    const side = begun.find((each) => topicOf(each) === 'side');
    client.send({ type: 'response.cancel', response_id: side?.['id'] });
    await stage.system.advanceBy(20_000);
    expect(endOf('side')).toMatchObject({ status: 'cancelled' });
    expect(endOf('talk')).toMatchObject({ status: 'completed' });
    expect(audioOf(endOf('talk')).equals(AUDIO)).toBe(true);
  });

  it('stand in the conversation as far as they were heard, and are retrieved and deleted there', async () => {
    says('hello');
    create();
    await stage.system.advanceBy(3_000);
    const { id: itemId } = fieldsOf(client.events('response.output_item.added')[0]?.['item']);
    client.send({ type: 'conversation.item.truncate', item_id: itemId, content_index: 0, audio_end_ms: 700 });
    client.send({ type: 'conversation.item.retrieve', item_id: itemId });
    client.send({ type: 'conversation.item.delete', item_id: itemId });
    client.send({ type: 'conversation.item.retrieve', item_id: itemId, event_id: 'gone' });
    await stage.system.advanceBy(200);
    expect(client.events('conversation.item.retrieved')).toMatchObject([
      { item: { id: itemId, status: 'incomplete', content: [{ type: 'output_audio', transcript: 'One two' }] } },
    ]);
    expect(client.events('conversation.item.deleted')).toMatchObject([{ item_id: itemId }]);
    expect(client.events('error')).toMatchObject([
      { error: { code: 'item_retrieve_invalid_item_id', event_id: 'gone' } },
    ]);
    create();
    await stage.system.advanceBy(100);
    expect(stage.llm.asked.at(-1)?.map(({ content }) => content)).toEqual(['Be brief.', 'hello']);
  });

  it('keep the voice that was heard first, and the session says so', async () => {
    create({ audio: { output: { voice: 'anna' } } });
    await stage.system.advanceBy(3_000);
    client.send({ type: 'session.update', session: { type: 'realtime', audio: { output: { voice: 'bert' } } } });
    await stage.system.advanceBy(100);
    expect(client.events('error')).toMatchObject([{ error: { code: 'cannot_update_voice' } }]);
    expect(client.events('session.updated')).toEqual([]);
  });
});

describe('a session that has lasted as long as one may', () => {
  it.each([
    ['where it began', 0],
    ['where another owner has it by then', 1],
  ])('ends with its error and code 1001, %s', async (_, deaths) => {
    const stage = new Stage();
    stage.policy = { ...DEFAULT_POLICY, sessionMaxMs: 60_000 };
    const { orchestrator: owner, gateway } = await stage.cluster();
    const beganS = stage.system.clock.wallMs() / 1000;
    const client = await stage.connect(gateway.service, REALTIME);
    const { expires_at: expiresAt } = fieldsOf(client.events('session.created')[0]?.['session']);
    expect(Number(expiresAt) - beganS).toBeGreaterThanOrEqual(60);
    expect(Number(expiresAt) - beganS).toBeLessThan(62);
    if (deaths > 0) {
      await stage.orchestrator();
      owner.kill();
    }
    await stage.system.advanceBy(Number(expiresAt) * 1000 - stage.system.clock.wallMs() - 100);
    expect(client.closed).toBeUndefined();
    await stage.system.advanceBy(1_000);
    const message = 'Your session hit the maximum duration of 1 minute.';
    expect(client.events('error')).toMatchObject([{ error: { code: 'session_expired', message } }]);
    expect(client.closed).toEqual({ code: 1001, reason: message });
  });
});
