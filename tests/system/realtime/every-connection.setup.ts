import type { WireEvent } from '../support/test-client';
import { everyConnection, type Watched } from '../support/witness';
import { ConnectionJudge } from './connection-judge';
import { loadEventSchemas } from './event-schemas';

/**
 * Runs beside the tests of a file: every event that any client in it receives is judged, and the end of each connection; a fault fails
 * the test.
 */

/** The schemas may have to be generated first. */
const LOAD_TIMEOUT_MS = 120_000;

const judges = new WeakMap<Watched, ConnectionJudge>();
const faults = new Set<string>();

beforeAll(async () => {
  const schemas = await loadEventSchemas();
  const judgeOf = (connection: Watched): ConnectionJudge => {
    const known = judges.get(connection);
    if (known) return known;
    const judge = new ConnectionJudge(schemas, connection.protocol);
    judges.set(connection, judge);
    return judge;
  };
  const note = (found: readonly string[]): void => found.forEach((fault) => faults.add(fault));
  everyConnection.witness = {
    sent: (connection: Watched, event: WireEvent) => judgeOf(connection).send(event),
    received: (connection: Watched, event: WireEvent) => note(judgeOf(connection).receive(event)),
    ended: (connection: Watched) => note(judgeOf(connection).end()),
  };
}, LOAD_TIMEOUT_MS);

const expectNone = (): void => {
  const found = [...faults];
  faults.clear();
  expect(found).toEqual([]);
};

afterEach(expectNone);
// Of what came after the last test.
afterAll(expectNone);
