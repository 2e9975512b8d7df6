import type { JournalRecord } from '@parley/ports';
import { replay } from '@parley/replay';
import { Stage, type StagedClient } from './stage';

/** A conversation with what happens in most: a whole answer, an interrupted one, an owner that dies, a turn after it. */
class Conversation {
  readonly stage = new Stage();
  readonly journal: JournalRecord[] = [];

  async hold(journal: boolean): Promise<StagedClient> {
    const { stage } = this;
    stage.journal = journal;
    stage.link().subscribe('journal.>', ({ payload }) => {
      this.journal.push({ storedAtMs: stage.system.nowMs, payload });
    });
    const { orchestrator: first, gateway } = await stage.cluster();
    const client = await stage.connect(gateway.service);
    client.say('Hello?', 't1');
    await stage.system.advanceBy(9_000);
    client.say('And then?', 't2');
    await stage.system.advanceBy(700);
    client.send({ type: 'parley.interrupt' });
    await stage.system.advanceBy(100);
    client.say('Go on.', 't3');
    await stage.system.advanceBy(500);
    await stage.orchestrator();
    first.kill();
    await stage.system.advanceBy(15_000);
    client.say('Thanks.', 't4');
    await stage.system.advanceBy(10_000);
    return client;
  }
}

/** Ids are drawn, and so differ where the journal's link drew one more before. */
const toldTo = (client: StagedClient): unknown[] =>
  client.arrivals.map((arrival) => [arrival.atMs, arrival.kind === 'event' ? arrival.event.type : arrival.samples]);

describe('a conversation with a journal', () => {
  it('[G6] can be replayed from it: the engine does again exactly what it did, over the death of its owner', async () => {
    const conversation = new Conversation();
    const client = await conversation.hold(true);
    expect(client.events('response.done')).toHaveLength(4);
    const { epochs, problems, turns } = replay(conversation.journal);
    expect(problems).toEqual([]);
    expect(turns).toBe(4);
    expect(epochs.map(({ epoch, origin }) => [epoch, origin.kind])).toEqual([
      [1, 'new'],
      [2, 'taken-over'],
    ]);
    for (const { steps } of epochs) expect(steps.length).toBeGreaterThan(20);
  });

  it('is the same conversation as without one, to the millisecond', async () => {
    const [journaled, plain] = [new Conversation(), new Conversation()];
    const [heard, heardPlain] = [await journaled.hold(true), await plain.hold(false)];
    expect(journaled.journal.length).toBeGreaterThan(50);
    expect(plain.journal).toEqual([]);
    expect(toldTo(heard)).toEqual(toldTo(heardPlain));
  });
});
