import { RecordingLog, VirtualSystem } from '@parley/harness';
import type { TelemetryPort } from '@parley/ports';
import { Intake } from './intake';
import { CALM_MS, LATE_MS } from './lag-limit';

let system: VirtualSystem;
let log: RecordingLog;
let gauges: Map<string, number>;
let count: number;
let intake: Intake;
let looks: boolean[];

beforeEach(() => {
  [system, log, gauges, count, looks] = [new VirtualSystem(), new RecordingLog(), new Map(), 0, []];
  const telemetry: TelemetryPort = {
    count: () => undefined,
    gauge: (name, labels, value) => void gauges.set([name, ...Object.values<string>(labels)].join(' '), value),
    observe: () => undefined,
  };
  intake = new Intake({ system, log, telemetry }, 'tts', { count: 2, lagMs: 100 }, () => count);
  intake.open(() => looks.push(intake.hasRoom));
});
afterEach(() => intake.close());

const takesWork = (): number | undefined => gauges.get('parley_takes_work tts');

describe('a member', () => {
  it('has room up to its count, and is full at it', () => {
    const states = [0, 1, 2, 3].map((each) => {
      count = each;
      return [intake.hasRoom, intake.isFull];
    });
    expect(states).toEqual([
      [true, false],
      [true, false],
      [false, true],
      [false, true],
    ]);
  });

  it('has no room while its event loop is late, and is not full for that', async () => {
    await system.stayAtLag(101, LATE_MS);
    expect([intake.hasRoom, intake.isFull]).toEqual([false, false]);
    await system.stayAtLag(10, CALM_MS);
    expect(intake.hasRoom).toBe(true);
    expect(looks).toEqual([true, false, false, true]);
  });

  it('has no room before it is open and after it was closed', () => {
    const other = new Intake({ system, log, telemetry: silent }, 'tts', { count: 2, lagMs: 100 }, () => 0);
    expect(other.hasRoom).toBe(false);
    intake.close();
    expect(intake.hasRoom).toBe(false);
    system.reportLag(500);
    expect(looks).toEqual([]);
  });

  it('tells the lag and whether it takes work', async () => {
    expect(takesWork()).toBe(1);
    await system.stayAtLag(150, LATE_MS);
    expect([takesWork(), gauges.get('parley_event_loop_lag_seconds')]).toEqual([0, 0.15]);
    intake.close();
    expect(takesWork()).toBe(0);
  });

  it('says once in the log when it begins to be late, and once when it has time again', async () => {
    await system.stayAtLag(150, LATE_MS);
    system.reportLag(200);
    await system.stayAtLag(10, CALM_MS);
    system.reportLag(10);
    expect(log.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn the event loop is late: no new work is taken',
      'info the event loop has time again: new work is taken',
    ]);
  });
});

const silent: TelemetryPort = { count: () => undefined, gauge: () => undefined, observe: () => undefined };
