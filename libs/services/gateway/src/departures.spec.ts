import { VirtualSystem } from '@parley/harness';
import { Departures, type Departing } from './departures';

const DEADLINE_MS = 20_000;
const TURNS_MS = 15_000;

class DepartingDouble implements Departing {
  isInTurn = false;
  toldAtMs: number | undefined;
  withinMs: number | undefined;
  closedAtMs: number | undefined;

  constructor(
    private readonly system: VirtualSystem,
    private readonly resumes: boolean,
  ) {}

  announceStop(reconnectWithinMs: number): boolean {
    expect(this.toldAtMs).toBeUndefined();
    this.toldAtMs = this.system.nowMs;
    this.withinMs = reconnectWithinMs;
    return this.resumes;
  }

  shutDown(): void {
    this.closedAtMs ??= this.system.nowMs;
  }
}

let system: VirtualSystem;

beforeEach(() => {
  system = new VirtualSystem(1);
});

/** Looks every 10 ms for so long, from now on. */
async function leave(connections: DepartingDouble[], forMs: number, deadlineMs = DEADLINE_MS): Promise<void> {
  const departures = new Departures(system, deadlineMs);
  for (let passedMs = 0; passedMs <= forMs; passedMs += 10) {
    departures.look(connections);
    await system.advanceBy(10);
  }
}

const make = (count: number, resumes: boolean): DepartingDouble[] =>
  Array.from({ length: count }, () => new DepartingDouble(system, resumes));

describe('the connections of a gateway that stops', () => {
  it('are told once, spread over a second, and have two more to come back elsewhere', async () => {
    const connections = make(100, true);
    await leave(connections, 4_000);
    const tenths = new Set(connections.map(({ toldAtMs = NaN }) => Math.floor(toldAtMs / 100)));
    expect([...tenths].sort((a, b) => a - b).slice(0, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { toldAtMs = NaN, closedAtMs = NaN, withinMs } of connections) {
      expect(toldAtMs).toBeLessThanOrEqual(1_010);
      expect(withinMs).toBe(2_000);
      expect(closedAtMs - toldAtMs).toBeGreaterThanOrEqual(2_000);
      expect(closedAtMs - toldAtMs).toBeLessThanOrEqual(2_010);
    }
  });

  it('that cannot resume are closed over that second, at once when it is their moment', async () => {
    const connections = make(100, false);
    await leave(connections, 2_000);
    const tenths = new Set(connections.map(({ closedAtMs = NaN }) => Math.floor(closedAtMs / 100)));
    expect(tenths.size).toBeGreaterThanOrEqual(10);
    for (const { toldAtMs, closedAtMs } of connections) expect(closedAtMs).toBe(toldAtMs);
  });

  it.each([true, false])('are closed at the end of their turn (resumes: %s)', async (resumes) => {
    const [connection] = make(1, resumes);
    if (!connection) throw new Error('none');
    connection.isInTurn = true;
    system.timers.after(7_000, () => (connection.isInTurn = false));
    await leave([connection], 9_000);
    expect(connection.closedAtMs).toBeGreaterThanOrEqual(7_000);
    expect(connection.closedAtMs).toBeLessThanOrEqual(7_010);
  });

  it.each([true, false])('are closed in a turn when the time for turns is over (resumes: %s)', async (resumes) => {
    const connections = make(3, resumes);
    for (const connection of connections) connection.isInTurn = true;
    await leave(connections, DEADLINE_MS);
    for (const { closedAtMs } of connections) expect(closedAtMs).toBe(TURNS_MS);
  });

  it('are never promised more time than there is', async () => {
    const connections = make(20, true);
    await leave(connections, 2_000, 2_000);
    for (const { toldAtMs = NaN, withinMs = NaN, closedAtMs = NaN } of connections) {
      expect(closedAtMs).toBe(1_500);
      expect(Math.abs(toldAtMs + withinMs - 1_500)).toBeLessThanOrEqual(0.5);
    }
  });

  it('that come late have their second too', async () => {
    const departures = new Departures(system, DEADLINE_MS);
    departures.look([]);
    await system.advanceBy(5_000);
    const [late] = make(1, true);
    if (!late) throw new Error('none');
    for (let passedMs = 0; passedMs <= 1_010; passedMs += 10) {
      departures.look([late]);
      await system.advanceBy(10);
    }
    expect(late.toldAtMs).toBeGreaterThan(5_000);
    expect(late.closedAtMs).toBeUndefined();
  });
});
