import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { busSchemas, decodeEnvelope } from '@parley/schemas';
import { decodeRecord } from '@parley/service-orchestrator';
import { Stage } from '../stage';
import { GhostGateway, type Connection } from './ghost-gateway';
import { record, type RecordedMessage, type RecordedState, type Recording } from './recording';
import { misfits, shapesOf } from './shapes';

/** Older than any release: its states are read, its messages were others. */
const EARLIEST = 'before-1';
/** What a process of this version may work beside, and be rolled back to. */
const NEWEST = '1';

const lines = <T>(version: string, name: string): T[] =>
  readFileSync(join(__dirname, version, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
const statesOf = (version: string): RecordedState[] => lines(version, 'states');
const messagesOf = (version: string): RecordedMessage[] => lines(version, 'messages');
const bytesOf = (document: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(document));

const versions = readdirSync(__dirname, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const recorded = versions.flatMap((version) =>
  statesOf(version).map(({ moment, state }) => [version, moment, state] as const),
);

it('each recorded version is read here', () => {
  expect(versions.sort()).toEqual([NEWEST, EARLIEST]);
});

describe('a state that an older version has stored', () => {
  /** An owner that is gone has left it so. */
  async function leave(stage: Stage, state: unknown): Promise<Connection> {
    const decoded = decodeRecord(bytesOf(state));
    if (!decoded.ok) throw new Error(decoded.reason);
    const { connection, engine, outSeq } = decoded.record;
    const { sessionId } = engine.session;
    const left = { sessionId, epoch: 1, rev: 1, owner: 'orc_gone', attachment: connection.attachment } as const;
    const written = await stage.storeServer.connect().write({ ...left, state: bytesOf(state), ttlMs: 60_000 });
    expect(written).toEqual({ kind: 'written' });
    return { ...connection, sessionId, outSeq };
  }

  it.each(recorded)('[G6] version %s, %s: is taken over, and the next turn is answered', async (_, __, state) => {
    const stage = new Stage();
    const { system } = stage;
    const ghost = new GhostGateway(stage.link(), await leave(stage, state));
    await stage.orchestrator();
    await stage.ttsWorker();
    expect(await system.runUntil(ghost.claim())).toBe('granted');
    // Whatever it waited for has ended by then.
    await system.advanceBy(70_000);
    const ids = { itemId: 'item_next', responseId: 'resp_next', answerId: 'answer_next' } as const;
    const turn = { kind: 'final-transcript', turnId: 'next', text: 'Are you there?', ...ids } as const;
    expect(await system.runUntil(ghost.send(turn))).toBe('applied');
    await system.advanceBy(5_000);
    expect(ghost.outputs).toContainEqual(
      expect.objectContaining({
        event: { type: 'parley.turn.accepted', turn_id: 'next', response_id: 'resp_next' },
      }),
    );
    const announced = ghost.outputs.flatMap((output) =>
      output.kind === 'announce' && output.responseId === 'resp_next' ? [output.ordinal] : [],
    );
    const ended = ghost.outputs.flatMap((output) => (output.kind === 'end' ? [output] : []));
    expect(ended.at(-1)).toMatchObject({ ordinal: announced[0], status: 'completed', segments: 2 });
    // The model knows what was said before.
    const said = stage.llm.asked.at(-1)?.map(({ content }) => content) ?? [];
    expect(said.at(-1)).toBe('Are you there?');
    for (const text of userTextsOf(state)) expect(said).toContain(text);
  });
});

function userTextsOf(state: unknown): string[] {
  const decoded = decodeRecord(bytesOf(state));
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.record.engine.history.flatMap((item) => (item.role === 'user' ? [item.text] : []));
}

describe('a message of the newest version', () => {
  it.each([...new Set(messagesOf(NEWEST).map(({ kind }) => kind))])('%s is read', (kind) => {
    for (const each of messagesOf(NEWEST).filter((message) => message.kind === kind)) {
      expect(decodeEnvelope<unknown>(busSchemas[kind], bytesOf(each.message))).toMatchObject({ ok: true });
    }
  });

  it('is there of every kind', () => {
    const kinds = new Set(messagesOf(NEWEST).map(({ kind }) => kind));
    expect(Object.keys(busSchemas).filter((kind) => !kinds.has(kind as RecordedMessage['kind']))).toEqual([]);
  });
});

/** Rollback, and a deploy half done: what the present code writes is read by a process of the newest version. */
describe('what the present code writes', () => {
  let now: Recording;
  beforeAll(async () => {
    now = await record();
  });

  it('as a state has all that the newest version needs, and no variant and type it does not know', () => {
    const [before, after] = [statesOf(NEWEST), now.states].map((each) => shapesOf(each.map(({ state }) => state)));
    expect(misfits(before ?? {}, after ?? {})).toEqual([]);
  });

  it('as a message has all that the newest version needs, and no variant and type it does not know', () => {
    const [before, after] = [messagesOf(NEWEST), now.messages].map((messages) =>
      // What the body means depends on the subject.
      shapesOf(messages.map(({ kind, message }) => ({ [kind]: message }))),
    );
    expect(misfits(before ?? {}, after ?? {})).toEqual([]);
  });
});
