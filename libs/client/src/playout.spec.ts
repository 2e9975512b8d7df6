import { VirtualSystem } from '@parley/harness';
import { samplesOfMs } from '@parley/model';
import type { FakeSocket } from './fake-socket.fixture';
import { fakeSockets } from './fake-socket.fixture';
import { ParleyClient } from './parley-client';
import { Playout } from './playout';
import type { AudioOutput } from './playout';
import type { Piece } from './playout-timeline';

const A = 'resp_a';
const B = 'resp_b';
const LATENCY_MS = 10;

/** Records what it is told; its clock is the virtual one, and can stand. */
class RecordingOutput implements AudioOutput {
  readonly leadSamples = 0;
  readonly log: string[] = [];
  reads = 0;
  private stoodAtMs: number | undefined;

  constructor(private readonly system: VirtualSystem) {}

  suspend(): void {
    this.stoodAtMs = this.system.nowMs;
  }
  nowSample(): number {
    return samplesOfMs(this.stoodAtMs ?? this.system.nowMs);
  }
  heardSample(): number {
    this.reads++;
    return Math.max(0, this.nowSample() - samplesOfMs(LATENCY_MS));
  }
  play(piece: Piece): void {
    this.log.push(`play ${piece.responseId} at ${piece.startSample}`);
  }
  move(piece: Piece): void {
    this.log.push(`move ${piece.responseId} to ${piece.startSample}`);
  }
  cut(responseIds: readonly string[]): void {
    if (responseIds.length > 0) this.log.push(`cut ${responseIds.join(' ')}`);
  }
  release(responseId: string): void {
    this.log.push(`release ${responseId}`);
  }
}

interface Subject {
  playout: Playout;
  client: ParleyClient;
  socket: FakeSocket;
  /** The newest socket, after the first one was lost. */
  resumed: () => FakeSocket;
  output: RecordingOutput;
  system: VirtualSystem;
  ended: unknown[];
  started: number[];
}

function playing(...responses: [`resp_${string}`, number][]): Subject {
  const { WebSocket, made } = fakeSockets();
  const system = new VirtualSystem();
  const client = new ParleyClient({ url: 'ws://gateway.test', WebSocket, system });
  const output = new RecordingOutput(system);
  const playout = new Playout(client, output, system);
  const ended: unknown[] = [];
  const started: number[] = [];
  playout.on('ended', (event) => ended.push(event));
  playout.on('started', ({ startsInMs }) => started.push(startsInMs));
  client.connect();
  const [socket] = made;
  if (socket === undefined) throw new Error('no socket was made');
  socket.accept();
  socket.event({ type: 'parley.pong' });
  for (const [id, ms] of responses) socket.audio(id, samplesOfMs(ms));
  const resumed = (): FakeSocket => {
    const newest = made.at(-1);
    if (newest === undefined || newest === socket) throw new Error('the session is not resumed');
    return newest;
  };
  return { playout, client, socket, resumed, output, system, ended, started };
}

const audioDone = (socket: FakeSocket, id: string): void =>
  socket.event({ type: 'response.output_audio.done', response_id: id });

const reports = (socket: FakeSocket): unknown[] =>
  socket.sentOf('parley.playback').map((event) => [event['response_id'], event['played_ms'], event['ended'] ?? false]);

describe('Playout', () => {
  it('reports the heard position every 200 ms and the end exactly once', async () => {
    const { socket, system, ended, output } = playing([A, 500]);
    audioDone(socket, A);
    await system.advanceBy(1000);
    expect(reports(socket)).toEqual([
      [A, 200 - LATENCY_MS, false],
      [A, 400 - LATENCY_MS, false],
      [A, 500, true],
    ]);
    expect(ended).toEqual([{ responseId: A, playedSamples: samplesOfMs(500), cut: false }]);
    expect(output.log).toEqual([`play ${A} at 0`, `release ${A}`]);
  });

  it('keeps reporting on time while pieces keep coming', async () => {
    const { socket, system } = playing([A, 20]);
    for (let i = 0; i < 19; i++) {
      await system.advanceBy(20);
      socket.audio(A, samplesOfMs(20));
    }
    expect(reports(socket)).toHaveLength(1);
    await system.advanceBy(20);
    expect(reports(socket)).toHaveLength(2);
  });

  it('says when the first audio sounds, once per response', () => {
    const { socket, started } = playing([A, 500], [B, 100]);
    socket.audio(A, 480);
    expect(started).toEqual([0, 500]);
  });

  it('reports right before an interrupt and is silent in the same tick', async () => {
    const { playout, socket, system, output, ended } = playing([A, 4000]);
    await system.advanceBy(130);
    playout.interrupt();
    expect(socket.sent.slice(-2)).toMatchObject([
      { type: 'parley.playback', response_id: A, played_ms: 130 - LATENCY_MS },
      { type: 'parley.interrupt' },
    ]);
    expect(output.log).toEqual([`play ${A} at 0`, `cut ${A}`]);
    expect(ended).toEqual([{ responseId: A, playedSamples: samplesOfMs(120), cut: true }]);
    expect(playout.heard()).toBeUndefined();
  });

  it('[G1] plays nothing that arrives of an interrupted response', async () => {
    const { playout, socket, system, output } = playing([A, 400]);
    await system.advanceBy(100);
    playout.interrupt();
    socket.audio(A, 480);
    audioDone(socket, A);
    await system.advanceBy(1000);
    expect(output.log).toEqual([`play ${A} at 0`, `cut ${A}`]);
    expect(reports(socket).filter((report) => Array.isArray(report) && report[2] === true)).toEqual([]);
  });

  it('is silent when the server says interrupted, and the response behind it moves up', async () => {
    const { socket, system, output, playout } = playing([A, 1000], [B, 100]);
    await system.advanceBy(210);
    socket.event({
      type: 'parley.response.interrupted',
      response_id: A,
      turn_id: 'turn_1',
      heard_ms: 200,
      heard_text: '',
    });
    expect(output.log.slice(2)).toEqual([`cut ${A}`, `move ${B} to ${samplesOfMs(210)}`]);
    await system.advanceBy(50);
    expect(playout.heard()).toEqual({ responseId: B, positionMs: 40 });
  });

  it('goes on to the next response when the first was heard', async () => {
    const { socket, system } = playing([A, 100], [B, 100]);
    audioDone(socket, A);
    audioDone(socket, B);
    await system.advanceBy(1000);
    expect(reports(socket)).toEqual([
      [A, 100, true],
      [B, 90, false],
      [B, 100, true],
    ]);
  });

  it('waits for the announced end on underrun', async () => {
    const { socket, system, ended } = playing([A, 100]);
    await system.advanceBy(500);
    expect(ended).toEqual([]);
    socket.event({ type: 'response.done', response: { id: A, status: 'failed', status_details: null } });
    expect(ended).toEqual([{ responseId: A, playedSamples: samplesOfMs(100), cut: false }]);
  });

  it('neither advances nor floods the server while the device is suspended', async () => {
    const { socket, system, output } = playing([A, 100]);
    audioDone(socket, A);
    await system.advanceBy(109);
    output.suspend();
    output.reads = 0;
    await system.advanceBy(2000);
    expect(reports(socket).length).toBeLessThanOrEqual(10);
    expect(reports(socket).at(-1)).toEqual([A, 99, false]);
    expect(output.reads).toBeLessThan(1000);
  });

  it('plays what it has while the connection is away, and says where it is right before it is resumed', async () => {
    const { client, socket, system, output, ended, resumed } = playing([A, 4000]);
    await system.advanceBy(90);
    let heardMs = 0;
    client.on('resuming', () => {
      heardMs = system.nowMs - LATENCY_MS;
    });
    socket.drop();
    await system.advanceBy(200);
    expect(heardMs).toBeGreaterThanOrEqual(80);
    expect(JSON.parse(resumed().query.get('received') ?? '')).toMatchObject([
      { response_id: A, played_ms: Math.floor(heardMs) },
    ]);
    expect(output.log).toEqual([`play ${A} at 0`]);
    await system.advanceBy(4000);
    expect(ended).toEqual([]);
    expect(reports(socket)).toEqual([]);
  });

  it('plays on behind what it has when the connection is back, and reports again', async () => {
    const { socket, system, output, ended, resumed } = playing([A, 1000]);
    socket.drop();
    await system.advanceBy(500);
    resumed().accept({ resumed: true });
    resumed().audio(A, samplesOfMs(500), { firstSample: samplesOfMs(900) });
    audioDone(resumed(), A);
    await system.advanceBy(1000);
    expect(output.log.slice(0, 2)).toEqual([`play ${A} at 0`, `play ${A} at ${samplesOfMs(1000)}`]);
    expect(ended).toEqual([{ responseId: A, playedSamples: samplesOfMs(1400), cut: false }]);
    expect(reports(resumed()).at(-1)).toEqual([A, 1400, true]);
  });

  it('is silent when the session is gone', async () => {
    const { socket, system, output, ended, resumed } = playing([A, 4000]);
    socket.drop();
    await system.advanceBy(200);
    resumed().accept({ resumed: false });
    expect(output.log.at(-1)).toBe(`cut ${A}`);
    expect(ended).toMatchObject([{ cut: true }]);
  });

  it('is silent and holds no timer when the client is closed', async () => {
    const { client, system, output, ended } = playing([A, 4000]);
    await system.advanceBy(100);
    client.close();
    expect(output.log.at(-1)).toBe(`cut ${A}`);
    expect(ended).toMatchObject([{ cut: true }]);
    expect(system.pendingTimers).toBe(0);
  });
});
