import type { Arrival } from '../support/test-client';
import { Memory } from './memory';

const MS = 24;

const event = (type: string, id: string, fields: Record<string, unknown> = {}): Arrival => ({
  kind: 'event',
  atMs: 0,
  event: { type, event_id: id, ...fields },
});

const session = (id: string, token: string): Arrival => event('parley.session', id, { resume_token: token });
const created = (response: string): Arrival =>
  event('response.created', `${response}-0`, { response: { id: response } });
const done = (response: string): Arrival => event('response.done', `${response}-9`, { response: { id: response } });

function audio(responseId: string, segment: number, ms: number, atMs: number, last = false): Arrival {
  const samples = ms * MS;
  return { kind: 'audio', atMs, responseId, segment, firstSample: 0, samples, last, pcm: Buffer.alloc(0) };
}

function remember(...arrivals: Arrival[]): Memory {
  const memory = new Memory();
  arrivals.forEach((arrival) => memory.take(arrival));
  return memory;
}

function statementOf(memory: Memory, nowMs = 0): Record<string, unknown> {
  const query = Object.fromEntries(new URLSearchParams(memory.resumeQuery(nowMs)));
  return { ...query, received: JSON.parse(query['received'] ?? '[]') as unknown };
}

describe('what a client has of its session', () => {
  it('cannot be stated without a token', () => {
    expect(remember(created('r1')).resumeQuery(0)).toBeUndefined();
  });

  it('is its newest token and its last event, over all connections', () => {
    const memory = remember(session('e1', 'first token'), event('parley.state', 'e2'), session('e3', 'second+token'));
    memory.take(event('parley.state', 'e4'));
    expect(statementOf(memory)).toEqual({ resume: 'second+token', last_event_id: 'e4', received: [] });
  });

  it('counts the samples of each segment, all but the last complete', () => {
    const pieces = [audio('r1', 0, 20, 0), audio('r1', 0, 10, 0, true), audio('r1', 1, 5, 0)];
    const { received } = statementOf(remember(session('e1', 't'), created('r1'), ...pieces));
    expect(received).toEqual([{ response_id: 'r1', samples: [30 * MS, 5 * MS], played_ms: 0, done: false }]);
  });

  it('says that a segment is complete by naming the next one', () => {
    const { received } = statementOf(remember(session('e1', 't'), created('r1'), audio('r1', 0, 20, 0, true)));
    expect(received).toMatchObject([{ samples: [20 * MS, 0] }]);
  });

  it('passes over a segment that had no audio', () => {
    const { received } = statementOf(remember(session('e1', 't'), audio('r1', 0, 20, 0), audio('r1', 2, 10, 0)));
    expect(received).toMatchObject([{ samples: [20 * MS, 0, 10 * MS] }]);
  });

  it('holds what was played by now, and goes on playing without a connection', () => {
    const memory = remember(session('e1', 't'), created('r1'), audio('r1', 0, 100, 1_000), audio('r1', 0, 100, 1_050));
    expect(statementOf(memory, 1_150)['received']).toMatchObject([{ played_ms: 150 }]);
    expect(statementOf(memory, 5_000)['received']).toMatchObject([{ played_ms: 200 }]);
  });

  it('names the newest response, and older ones until they are done and heard', () => {
    const memory = remember(session('e1', 't'), created('r1'), audio('r1', 0, 100, 0), done('r1'), created('r2'));
    expect(statementOf(memory, 50)['received']).toMatchObject([
      { response_id: 'r1', done: true },
      { response_id: 'r2', samples: [] },
    ]);
    expect(statementOf(memory, 100)['received']).toMatchObject([{ response_id: 'r2' }]);
    memory.take(done('r2'));
    expect(statementOf(memory, 100)['received']).toMatchObject([{ response_id: 'r2', done: true }]);
  });
});
