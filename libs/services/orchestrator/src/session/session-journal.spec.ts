import { DEFAULT_SETTINGS, effectsHash, subjects, type JournalEntry, type TurnPolicy } from '@parley/model';
import { busSchemas } from '@parley/schemas';
import { PeerWatch } from '@parley/service-link';
import { initialState, type Effect, type EngineInput } from '@parley/turn-engine';
import type { MemoryBus } from '@parley/adapter-bus-memory';
import {
  CONFIG,
  GATEWAY,
  GatewayDouble,
  OrchestratorStage,
  read,
  SESSION,
  TRACE,
  turnOf,
} from '../orchestrator-stage.fixture';
import { OwnedSession } from './owned-session';
import { SessionJournal } from './session-journal';

const STATE = initialState({
  ...{ sessionId: SESSION, model: 'm', otherModels: [], defaultInstructions: '', instructions: '', voice: null },
  ...{
    tools: [],
    toolChoice: 'auto',
    settings: DEFAULT_SETTINGS,
    avatar: null,
    resumable: false,
    expiresAtS: null,
    capabilities: ['text'],
  },
});
const ENGINE = { state: STATE, policy: CONFIG.policy };
const INPUT: EngineInput = { kind: 'text-generated', lane: 0, ordinal: 1, text: 'One, two. ' };
const EFFECTS: Effect[] = [{ kind: 'cancel-voice', lane: 0, ordinal: 1 }];
const OWNER = { sessionId: SESSION, epoch: 3, owner: 'orc_one', rev: 7 } as const;

let stage: OrchestratorStage;
let bus: MemoryBus;
let entries: JournalEntry[];
let journal: SessionJournal;

beforeEach(() => {
  stage = new OrchestratorStage();
  entries = [];
  stage.link().subscribe(subjects.anyJournal, ({ subject, payload }) => {
    expect(subject).toBe(`journal.${SESSION}`);
    entries.push(read(busSchemas.journal, payload));
  });
  bus = stage.link();
  journal = new SessionJournal(bus, stage.log, OWNER);
});

it('begins with all that is needed to repeat the steps, and numbers them without a gap', async () => {
  journal.opened(ENGINE, 10, TRACE);
  journal.stepped(INPUT, 11.5, EFFECTS, TRACE);
  journal.threw(INPUT, 12, TRACE);
  journal.stepped(INPUT, 13, [], '');
  await stage.pass();
  expect(entries).toEqual([
    {
      ...{ kind: 'opened', epoch: 3, step: 0, nowMs: 10, owner: 'orc_one', rev: 7 },
      engine: JSON.parse(JSON.stringify(ENGINE)) as object,
    },
    { kind: 'stepped', epoch: 3, step: 1, nowMs: 11.5, input: INPUT, effects: effectsHash(EFFECTS) },
    { kind: 'stepped', epoch: 3, step: 2, nowMs: 12, input: INPUT, effects: 'threw' },
    { kind: 'stepped', epoch: 3, step: 3, nowMs: 13, input: INPUT, effects: effectsHash([]) },
  ]);
});

it('leaves out what is too large for the bus, whose number is then missing', async () => {
  journal.opened(ENGINE, 10, TRACE);
  journal.stepped({ ...INPUT, text: 'x'.repeat(bus.maxPayloadBytes) }, 11, EFFECTS, TRACE);
  journal.stepped(INPUT, 12, EFFECTS, TRACE);
  await stage.pass();
  expect(entries.map(({ step }) => step)).toEqual([0, 2]);
  expect(stage.log.lines).toMatchObject([{ level: 'error', message: 'an entry of the journal is lost' }]);
  expect(JSON.stringify(stage.log.lines)).not.toContain('xxx');
});

it('costs the owner nothing but the entry when something throws', async () => {
  const unserialisable = { ...EFFECTS[0], self: 1n } as unknown as Effect;
  expect(() => journal.stepped(INPUT, 11, [unserialisable], TRACE)).not.toThrow();
  journal.stepped(INPUT, 12, EFFECTS, TRACE);
  await stage.pass();
  expect(entries.map(({ step }) => step)).toEqual([2]);
  expect(stage.logged('an entry of the journal is lost')).toBe(1);
});

it('drops what is published while the link is down, and does not wait', async () => {
  bus.kill();
  journal.stepped(INPUT, 11, EFFECTS, TRACE);
  await stage.pass(1_000);
  expect(entries).toEqual([]);
});

it('has every step of an owner, those that threw and what was done about it too', async () => {
  let isPoisoned = false;
  const policy = new Proxy(CONFIG.policy, {
    get: (target, name: keyof TurnPolicy) => {
      // What beginning to think reads, and what a bug there would do.
      if (isPoisoned && name === 'firstTokenTimeoutMs') throw new Error('poisoned');
      return target[name];
    },
  });
  const ports = stage.process();
  const peers = new PeerWatch(ports.bus, stage.system, 'orc_one');
  const gateway = new GatewayDouble(stage);
  const connection = { attachment: 1, lastSeq: 0, gateway: GATEWAY, connectionId: null };
  const resumed = { resume: null, lastClientEventId: null, acknowledgedOutSeq: 0 };
  const record = { v: 1, engine: STATE, connection, ...resumed, outSeq: 0, outbox: [], voice: null } as const;
  const session = new OwnedSession(
    ports,
    { ...CONFIG, policy, journal: true },
    'orc_one',
    peers,
    {
      sessionId: SESSION,
      epoch: 1,
      rev: 0,
      record: { ...record, outbox: [] },
      traceparent: TRACE,
      isLapsed: () => false,
    },
    () => undefined,
  );
  session.open();
  session.begin();
  await stage.pass();
  isPoisoned = true;
  await stage.now(gateway.send(turnOf(1)));
  isPoisoned = false;
  await stage.now(gateway.send(turnOf(2)));
  const steps = entries.flatMap((entry) => (entry.kind === 'stepped' ? [entry] : []));
  expect(entries[0]).toMatchObject({ kind: 'opened', epoch: 1, step: 0, owner: 'orc_one', rev: 0 });
  expect(steps.map(({ step }) => step)).toEqual(steps.map((_, index) => index + 1));
  const turns = steps.filter(({ input }) => input.kind === 'client');
  expect(turns.map(({ effects }) => effects === 'threw')).toEqual([true, false]);
  await stage.system.runUntil(session.release());
  peers.close();
});
