import { VirtualSystem } from '@parley/harness';
import { InvariantError } from '@parley/model';
import { fakeSockets } from './fake-socket.fixture';
import type { FakeSocket } from './fake-socket.fixture';
import { ParleyClient } from './parley-client';
import type { ParleyClientOptions } from './parley-client';

/** The response of the examples. */
export const A = 'resp_a';
/** The longest that a first try to come back is put off. */
export const JITTER_MS = 200;

/** A client at a server that the test plays. */
export interface ClientStage {
  client: ParleyClient;
  system: VirtualSystem;
  made: FakeSocket[];
  newest(): FakeSocket;
  /** Phases in their order. */
  phases: string[];
  /** Everything else that was emitted, shortened. */
  log: string[];
}

export function connect(options: Partial<ParleyClientOptions> = {}): ClientStage {
  const { WebSocket, made } = fakeSockets();
  const system = new VirtualSystem();
  const client = new ParleyClient({ url: 'ws://gateway.test', WebSocket, system, ...options });
  const phases: string[] = [];
  const log: string[] = [];
  client.on('status', (status) => phases.push(status.phase));
  client.on('session', ({ resumed }) => log.push(resumed ? 'resumed' : 'new session'));
  client.on('accepted', ({ turnId }) => log.push(`accepted ${turnId}`));
  client.on('audio', ({ responseId, pcm }) => log.push(`audio ${responseId} ${pcm.length / 2}`));
  client.on('fenced', ({ responseIds }) => log.push(`fenced ${responseIds.join(' ')}`));
  client.on('turns-lost', ({ turnIds }) => log.push(`lost ${turnIds.join(' ')}`));
  client.on('done', ({ responseId }) => log.push(`done ${responseId}`));
  client.on('error', ({ turnId, error }) => log.push(`error ${error.code} ${turnId}`));
  client.connect();
  const newest = (): FakeSocket => {
    const socket = made.at(-1);
    if (socket === undefined) throw new InvariantError('no socket was made');
    return socket;
  };
  return { client, system, made, newest, phases, log };
}

/** An open connection; what happened until then is forgotten. */
export function open(options: Partial<ParleyClientOptions> = {}): ClientStage {
  const subject = connect(options);
  subject.newest().accept();
  subject.newest().event({ type: 'parley.pong' });
  subject.phases.splice(0);
  subject.log.splice(0);
  return subject;
}

/** The connection breaks, and the next one is being made. */
export async function lose({ newest, made, system }: ClientStage, code = 1006): Promise<FakeSocket> {
  const before = made.length;
  newest().drop(code);
  await system.advanceBy(JITTER_MS);
  expect(made).toHaveLength(before + 1);
  return newest();
}

/** A turn is taken, and its response begins. */
export const accept = (socket: FakeSocket, turnId: string | undefined, responseId: string): void => {
  socket.event({ type: 'parley.turn.accepted', turn_id: turnId, response_id: responseId });
  socket.event({ type: 'response.created', response: { id: responseId } });
};
export const done = (socket: FakeSocket, responseId: string): void =>
  socket.event({ type: 'response.done', response: { id: responseId, status: 'completed', status_details: null } });
/** Without what is sent as time passes. */
export const sentTo = (socket: FakeSocket): unknown[] =>
  socket.sent.filter(({ type }) => type !== 'parley.ping' && type !== 'parley.playback');
/** What it says at its beginning that it has. */
export const received = (socket: FakeSocket): unknown => JSON.parse(socket.query.get('received') ?? 'null');
