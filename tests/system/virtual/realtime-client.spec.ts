import type { GatewayService } from '@parley/service-gateway';
import { fieldsOf } from '../support/fields';
import { Stage, type StagedClient, type StagedProcess } from './stage';

const WEATHER = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

/**
 * An existing client of the Realtime API: audio in JSON, and nothing of Parley. As on every stage, what comes is judged event
 * by event; here it is made to come.
 */
describe('a Realtime client of the real services on virtual time', () => {
  let stage: Stage;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = new Stage();
    ({ gateway } = await stage.cluster());
    client = await stage.connect(gateway.service, { query: {}, subprotocols: ['realtime'] });
  });

  async function ask(text: string, response: Record<string, unknown> = {}): Promise<void> {
    const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
    client.send({ type: 'conversation.item.create', item });
    client.send({ type: 'response.create', response });
    await stage.system.advanceBy(1_000);
  }

  it('gets of an answer that is heard to its end only what the API has, in its order', async () => {
    await ask('hello', { metadata: { topic: 'garden' } });
    await stage.system.advanceBy(15_000);
    expect(client.events('response.done')[0]?.['response']).toMatchObject({ status: 'completed' });
    expect(client.events('response.output_audio.delta').length).toBeGreaterThan(10);
  });

  it('gets the same of a call, of an interruption and of what is refused', async () => {
    stage.llm.callsFor = (text) => (text === 'weather?' ? [{ name: 'weather', arguments: '{}' }] : []);
    client.send({ type: 'session.update', session: { type: 'realtime', tools: [WEATHER] } });
    await ask('weather?');
    const [call] = client.events('response.function_call_arguments.done');
    const output = { type: 'function_call_output', call_id: call?.['call_id'], output: '22' };
    client.send({ type: 'conversation.item.create', item: output });
    client.send({ type: 'response.create', event_id: 'too_early' });
    await stage.system.advanceBy(100);
    expect(fieldsOf(client.events('error')[0]?.['error'])['event_id']).toBe('too_early');
    const [added] = client.events('response.output_item.added');
    const itemId = fieldsOf(added?.['item'])['id'];
    client.send({ type: 'conversation.item.truncate', item_id: itemId, content_index: 0, audio_end_ms: 500 });
    await stage.system.advanceBy(1_000);
    expect(client.events('response.done')[0]?.['response']).toMatchObject({ status: 'cancelled' });
    expect(client.events('conversation.item.truncated')).toHaveLength(1);
  });
});
