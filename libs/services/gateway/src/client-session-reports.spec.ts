import type { ClientSession } from './client-session';
import { ConnectedClient } from './connected-client.fixture';
import { announceOf, endOf, textOf, type OwnerDouble, type TestConnection } from './gateway-stage.fixture';
import { LinkStage } from './link/link-stage.fixture';

let stage: LinkStage;
let owner: OwnerDouble;
let client: ConnectedClient;
let connection: TestConnection;
let session: ClientSession;

beforeEach(async () => {
  stage = new LinkStage();
  client = await ConnectedClient.of(stage);
  ({ owner } = stage);
  ({ connection, session } = client);
});
afterEach(() => client.end());

const reportTimes = (): number[] => owner.reports.map(({ atMs }) => atMs);

describe('reports', () => {
  it('come at once with the first sample, with each segment’s end and with the closing events', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    await stage.pass(10);
    expect(owner.reports).toEqual([]);
    owner.audio({ samples: 2_400 });
    await stage.pass(10);
    owner.audio({ firstSample: 2_400, samples: 2_400 });
    await stage.pass(10);
    owner.audio({ firstSample: 4_800, samples: 0, last: true });
    await stage.pass(10);
    owner.emit(endOf(1));
    await stage.pass(10);
    expect(reportTimes()).toEqual([10, 30, 40]);
    expect(owner.reports.map(({ responses: [own] }) => [own?.segments, own?.closed])).toEqual([
      [[{ attempt: 1, samples: 2_400, last: false }], false],
      [[{ attempt: 1, samples: 4_800, last: true }], false],
      [[{ attempt: 1, samples: 4_800, last: true }], true],
    ]);
    expect(owner.reports.at(-1)?.acknowledgedOutSeq).toBe(3);
  });

  it('say at once that audio is missing, until another rendering has begun', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    owner.audio({ samples: 2_400 });
    await stage.pass(10);
    owner.audio({ firstSample: 4_800, samples: 2_400 });
    owner.audio({ firstSample: 7_200, samples: 2_400 });
    await stage.pass(10);
    const holes = (): unknown[] => owner.reports.map(({ responses: [own] }) => own?.holedAttempt);
    expect(reportTimes()).toEqual([0, 10]);
    expect(holes()).toEqual([null, 1]);
    await stage.pass(190);
    expect(holes()).toEqual([null, 1, 1]);
    owner.audio({ attempt: 2, firstSample: 2_400, samples: 2_400, last: true });
    await stage.pass(10);
    expect(holes().at(-1)).toBeNull();
  });

  it('say at once that the link was away, and how often', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    owner.audio({ samples: 2_400 });
    await stage.pass(10);
    for (let loss = 1; loss <= 2; loss++) {
      stage.bus.disconnect();
      await stage.pass(50);
      stage.bus.reconnect();
      await stage.pass(10);
    }
    expect(owner.reports.map(({ linkLosses }) => linkLosses)).toEqual([0, 1, 2]);
    expect(owner.reports.at(-1)?.responses[0]).toMatchObject({ holedAttempt: null, segments: [{ samples: 2_400 }] });
  });

  it('of one moment are one', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    owner.audio({ samples: 2_400, last: true });
    await stage.pass(10);
    expect(owner.reports).toHaveLength(1);
    expect(owner.reports).toMatchObject([{ responses: [{ closed: true }] }]);
  });

  it('come every 200 ms until the tail was played, and then end', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    owner.audio({ samples: 24_000, last: true });
    await stage.pass(10_000);
    expect(reportTimes()).toEqual([0, 200, 400, 600, 800, 1_000]);
    expect(owner.reports.map(({ responses: [own] }) => own?.playedSamples)).toEqual([
      0, 4_800, 9_600, 14_400, 19_200, 24_000,
    ]);
  });

  it('acknowledge within 200 ms when nothing plays, and only then', async () => {
    await stage.pass(1_000);
    expect(owner.reports).toEqual([]);
    owner.emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
    owner.emit({ kind: 'event', event: { type: 'parley.state', state: 'listening' } });
    await stage.pass(200);
    expect(owner.reports).toMatchObject([{ acknowledgedOutSeq: 2, responses: [], atMs: 1_200 }]);
    await stage.pass(5_000);
    expect(owner.reports).toHaveLength(1);
  });

  it('acknowledge again what comes again: the first word on it was lost', async () => {
    const event = { kind: 'event', event: { type: 'parley.state', state: 'listening' } } as const;
    owner.emit(event);
    await stage.pass(1_000);
    owner.publish({ epoch: 1, firstOutSeq: 1, outputs: [event] });
    await stage.pass(200);
    expect(owner.reports.map(({ acknowledgedOutSeq }) => acknowledgedOutSeq)).toEqual([1, 1]);
    expect(connection.of('parley.state')).toHaveLength(1);
  });

  it('follow a client’s word on its playback within 200 ms', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'), endOf(1));
    owner.audio({ samples: 24_000, last: true });
    await stage.pass(10);
    client.send({ type: 'parley.playback', response_id: 'resp_1', played_ms: 900 });
    await stage.pass(200);
    expect(owner.reports.at(-1)).toMatchObject({ responses: [{ playedSamples: 21_600 }] });
    client.send({ type: 'parley.playback', response_id: 'resp_1', played_ms: 1_000, ended: true });
    await stage.pass(200);
    expect(owner.reports.at(-1)).toMatchObject({ responses: [{ playedSamples: 24_000, ended: true }] });
    const { length } = owner.reports;
    await stage.pass(2_000);
    expect(owner.reports).toHaveLength(length);
  });

  it('end with the connection, whatever still comes', async () => {
    owner.emitAll(announceOf(1), textOf(1, 'Hello.'));
    owner.audio({ samples: 24_000 });
    await stage.pass(10);
    owner.onInput = () => undefined;
    session.onClosed(1006);
    const { length } = owner.reports;
    owner.audio({ firstSample: 24_000, samples: 2_400, last: true });
    owner.emit(endOf(1));
    await stage.pass(3_000);
    expect(owner.reports).toHaveLength(length);
  });
});
