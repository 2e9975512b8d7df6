import { FIRST, SECOND } from './answer';
import { statusesOf, wholeOf } from './heard';
import { Stage, type StagedClient, type StagedProcess } from './stage';

const POISON = 'poison';
const decoder = new TextDecoder();

describe('an input that ends every process that gets it', () => {
  let stage: Stage;
  let owners: StagedProcess[];
  let client: StagedClient;
  let isOwned: boolean;

  beforeEach(async () => {
    stage = new Stage();
    stage.tts.deterministic = true;
    owners = [await stage.orchestrator()];
    isOwned = true;
    await stage.ttsWorker();
    client = await stage.connect((await stage.gateway()).service);
    stage.link().subscribe('session.*.*.in', ({ payload }) => {
      // It has written nothing by then, so that nobody ever answers.
      if (!decoder.decode(payload).includes(POISON)) return;
      owners.at(-1)?.kill();
      isOwned = false;
    });
  });

  /** Whoever watches over processes starts another one soon. */
  async function pass(ms: number): Promise<void> {
    for (const endMs = stage.system.nowMs + ms; stage.system.nowMs < endMs;) {
      await stage.system.advanceBy(100);
      if (!isOwned) owners.push(await stage.orchestrator());
      isOwned = true;
    }
  }

  const statuses = (): unknown[] => statusesOf(client);
  const errors = (): unknown[] => client.events('error').map((event) => event['error']);
  const REFUSED = { type: 'server_error', code: 'internal_error', event_id: 'mine' };

  it('[CL6][G2] as a turn: the client is told after the second, the third lives, and the id is still free', async () => {
    client.send({ type: 'parley.transcript.final', text: POISON, turn_id: 't1', event_id: 'mine' });
    client.send({ type: 'conversation.item.create', item: itemOf('Behind it.') });
    await pass(5_000);
    expect(errors()).toEqual([expect.objectContaining(REFUSED)]);
    expect(owners).toHaveLength(3);
    expect(client.events('parley.turn.accepted')).toEqual([]);
    client.say('hello', 't1');
    await pass(20_000);
    expect(statuses()).toEqual(['completed']);
    expect(
      stage.llm.asked
        .at(-1)
        ?.slice(1)
        .map(({ content }) => content),
    ).toEqual(['Behind it.', 'hello']);
    expect(owners).toHaveLength(3);
    expect(client.state()).toBe('listening');
  });

  it('[G6] in mid-answer: the answer is heard to its end, whoever owns it', async () => {
    client.say('hello', 't1');
    await pass(1_500);
    client.send({ type: 'session.update', event_id: 'mine', session: { type: 'realtime', instructions: POISON } });
    await pass(20_000);
    expect(errors()).toEqual([expect.objectContaining(REFUSED)]);
    expect(client.events('session.updated')).toEqual([]);
    expect(statuses()).toEqual(['completed']);
    expect(client.samples()).toBe(wholeOf(FIRST, SECOND).length / 2);
    expect(owners).toHaveLength(3);
  });

  it('[G2] twice, sent by the client again: each costs two, and the conversation goes on', async () => {
    for (const turn of ['t1', 't2']) {
      client.say(POISON, turn);
      await pass(5_000);
    }
    expect(errors()).toHaveLength(2);
    expect(owners).toHaveLength(5);
    client.say('hello', 't3');
    await pass(20_000);
    expect(statuses()).toEqual(['completed']);
  });
});

const itemOf = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
