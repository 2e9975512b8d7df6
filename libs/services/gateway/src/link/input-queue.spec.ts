import type { InputMessage } from '@parley/model';
import { SESSION, TRACE } from '../gateway-stage.fixture';
import { InputQueue, type QueuedInput } from './input-queue';

const message = (seq: number): InputMessage => ({
  sessionId: SESSION,
  attachment: 1,
  seq,
  closedOrdinal: 0,
  input: { kind: 'disconnected', reason: 'client' },
});

function queueOf(count: number): { queue: InputQueue; inputs: QueuedInput[] } {
  const queue = new InputQueue();
  const inputs = Array.from({ length: count }, () => queue.add(message, TRACE));
  return { queue, inputs };
}
const seqs = (inputs: readonly QueuedInput[]): number[] => inputs.map(({ seq }) => seq);

describe('inputs that wait for their owner', () => {
  it('are numbered from 1 without a hole, in the message too', () => {
    const { inputs } = queueOf(3);
    expect(inputs.map(({ seq, body }) => [seq, body.seq])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  it('are confirmed together up to a number, and a number is never used again', () => {
    const { queue } = queueOf(3);
    queue.confirm(2);
    expect(queue.length).toBe(1);
    expect(queue.get(2)).toBeUndefined();
    queue.confirm(9);
    queue.confirm(1);
    expect(queue.length).toBe(0);
    expect(queue.add(message, TRACE).seq).toBe(4);
  });

  it('are sent again in order, those that are still under way left out', () => {
    const { queue, inputs } = queueOf(4);
    for (const input of inputs.slice(2, 3)) input.underWay = true;
    expect(seqs(queue.idle())).toEqual([1, 2, 4]);
  });

  it('wait all together while the oldest is under way: its answer may be that it was applied', () => {
    const { queue, inputs } = queueOf(3);
    for (const input of inputs.slice(0, 1)) input.underWay = true;
    expect(queue.idle()).toEqual([]);
    queue.confirm(1);
    expect(seqs(queue.idle())).toEqual([2, 3]);
  });
});

describe('an input that an owner was lost with', () => {
  const kinds = (inputs: readonly QueuedInput[]): string[] => inputs.map(({ body }) => body.input.kind);

  it('goes alone until it is answered, and so does each one behind it that went to that owner', () => {
    const { queue, inputs } = queueOf(4);
    for (const input of inputs.slice(0, 2)) input.sentTo = 1;
    queue.blame(1);
    expect(seqs(queue.idle())).toEqual([1]);
    queue.confirm(1);
    expect(seqs(queue.idle())).toEqual([2]);
    queue.confirm(2);
    expect(seqs(queue.idle())).toEqual([3, 4]);
  });

  it('is refused under its own number and event id once it cost two; the others stay what they are', () => {
    const queue = new InputQueue();
    const costly = queue.add((seq) => ({ ...message(seq), clientEventId: 'mine' }), TRACE);
    const innocent = queue.add(message, TRACE);
    for (const epoch of [1, 2]) {
      costly.sentTo = epoch;
      if (epoch === 1) innocent.sentTo = epoch;
      expect(kinds([costly, innocent])).toEqual(['disconnected', 'disconnected']);
      const told = queue.blame(epoch).map(({ seq, input }) => [seq, input.kind]);
      expect(told).toEqual(epoch === 1 ? [] : [[1, 'disconnected']]);
    }
    costly.sentTo = 3;
    expect(queue.blame(3)).toEqual([]);
    expect(kinds([costly, innocent])).toEqual(['message-refused', 'disconnected']);
    expect(costly.body).toMatchObject({
      seq: 1,
      clientEventId: 'mine',
      input: { error: { type: 'server_error', code: 'internal_error', param: null } },
    });
  });

  it('of an earlier owner, or of none, is not that owner’s', () => {
    const { queue, inputs } = queueOf(2);
    for (const input of inputs.slice(0, 1)) input.sentTo = 1;
    queue.blame(2);
    queue.blame(3);
    expect(kinds(inputs)).toEqual(['disconnected', 'disconnected']);
    expect(seqs(queue.idle())).toEqual([1, 2]);
  });
});
