import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import { workGroups } from '@parley/model';
import { busSchemas, encodeEnvelope } from '@parley/schemas';
import { askGroup, GroupMember, isCrowded } from './work-group';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const GROUP = workGroups.claim;

let system: VirtualSystem;
let server: MemoryBusServer;
let bus: MemoryBus;
/** Who was asked, in order. */
let asked: string[];

const link = (): MemoryBus => server.connect({ log: new RecordingLog(), timers: system.timers });

beforeEach(() => {
  system = new VirtualSystem();
  server = new MemoryBusServer({ random: system.random, schedule: system.schedule });
  bus = link();
  asked = [];
});

function member(name: string, hasRoom: boolean): GroupMember {
  const one = new GroupMember(link(), GROUP, (message) => {
    asked.push(name);
    message.reply?.(encodeEnvelope(TRACE, { kind: 'full' }));
  });
  one.join(hasRoom);
  return one;
}
const question = { traceparent: TRACE, body: {}, reply: busSchemas.claimReply, timeoutMs: 100 };
const ask = async (): Promise<string> => (await system.runUntil(askGroup(bus, GROUP, question))).kind;
const crowded = (): Promise<boolean> => system.runUntil(isCrowded(bus, GROUP));

describe('a work group', () => {
  it('asks only members with room while there is one', async () => {
    member('free', true);
    member('full', false);
    for (let n = 0; n < 10; n++) expect(await ask()).toBe('answer');
    expect(new Set(asked)).toEqual(new Set(['free']));
  });

  it('asks those in reserve when nobody has room, and each of them', async () => {
    member('one', false);
    member('other', false);
    for (let n = 0; n < 20; n++) expect(await ask()).toBe('answer');
    expect(new Set(asked)).toEqual(new Set(['one', 'other']));
  });

  it('asks a member again that has room again, however often it said so', async () => {
    const one = member('one', true);
    member('full', false);
    one.offer(false);
    one.offer(false);
    for (let n = 0; n < 20; n++) await ask();
    expect(new Set(asked)).toEqual(new Set(['one', 'full']));
    one.offer(true);
    one.offer(true);
    asked = [];
    for (let n = 0; n < 20; n++) await ask();
    expect(asked).toEqual(Array.from({ length: 20 }, () => 'one'));
  });

  it('has nobody left when its member has gone, who does not come back by having room', async () => {
    const one = member('one', true);
    one.leave();
    one.offer(true);
    expect(await ask()).toBe('no-responders');
    expect(asked).toEqual([]);
  });

  it('answers what was under way to a member that left', async () => {
    const one = member('one', true);
    const asking = askGroup(bus, GROUP, question);
    one.leave();
    expect((await system.runUntil(asking)).kind).toBe('answer');
    expect(asked).toEqual(['one']);
  });
});

describe('a group is crowded', () => {
  it('when members work and none has room, and nobody is given any work to find that out', async () => {
    const one = member('one', false);
    expect(await crowded()).toBe(true);
    one.offer(true);
    expect(await crowded()).toBe(false);
    expect(asked).toEqual([]);
  });

  it('not when nobody works at all', async () => {
    expect(await crowded()).toBe(false);
  });

  it('when those without room are too late to say so', async () => {
    link().subscribe(GROUP.reserve, () => undefined, { queue: GROUP.queue });
    expect(await crowded()).toBe(true);
  });

  it('not for all that is known when the own link is down', async () => {
    member('one', false);
    bus.disconnect();
    expect(await crowded()).toBe(false);
  });
});
