import { MemoryBusServer, type MemoryBus } from '@parley/adapter-bus-memory';
import { RecordingLog, VirtualSystem } from '@parley/harness';
import { busSchemas, decodeEnvelope, encodeEnvelope } from '@parley/schemas';
import { ask } from './ask';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

let system: VirtualSystem;
let bus: MemoryBus;
let other: MemoryBus;
beforeEach(() => {
  system = new VirtualSystem();
  const server = new MemoryBusServer({ random: system.random, schedule: system.schedule });
  const link = (): MemoryBus => server.connect({ log: new RecordingLog(), timers: system.timers });
  [bus, other] = [link(), link()];
});

function answering(...replies: Uint8Array[]): void {
  other.subscribe('question', (message) => replies.forEach((reply) => message.reply?.(reply)));
}
const question = (isFinal?: (body: { kind: string }) => boolean) =>
  system.runUntil(
    ask(bus, 'question', {
      traceparent: TRACE,
      body: { sessionId: 'sess_one' },
      reply: busSchemas.claimReply,
      timeoutMs: 100,
      ...(isFinal === undefined ? {} : { isFinal }),
    }),
  );
const FULL = encodeEnvelope(TRACE, { kind: 'full' });
const PROBING = encodeEnvelope(TRACE, { kind: 'probing' });

describe('asking', () => {
  it('sends an envelope with the trace and gives the parsed answer', async () => {
    const got: unknown[] = [];
    other.subscribe('question', (message) => {
      got.push(decodeEnvelope(busSchemas.ownerProbe, message.payload));
      message.reply?.(FULL);
    });
    expect(await question()).toEqual({ kind: 'answer', body: { kind: 'full' } });
    expect(got).toEqual([{ ok: true, traceparent: TRACE, body: { sessionId: 'sess_one' } }]);
  });

  it('waits for a final answer', async () => {
    answering(PROBING, FULL);
    expect(await question(({ kind }) => kind !== 'probing')).toEqual({ kind: 'answer', body: { kind: 'full' } });
  });

  it('takes the first answer where it need not be final', async () => {
    answering(PROBING, FULL);
    expect(await question()).toEqual({ kind: 'answer', body: { kind: 'probing' } });
  });

  it.each([
    ['of another shape', encodeEnvelope(TRACE, { kind: 'nonsense' })],
    ['of another version', new TextEncoder().encode('{"v":2,"traceparent":"","body":{"kind":"full"}}')],
    ['that is no JSON', new TextEncoder().encode('full')],
  ])('does not wait on after an answer %s, and says that it cannot be read', async (_what, payload) => {
    answering(payload, FULL);
    expect(await question(({ kind }) => kind !== 'probing')).toMatchObject({ kind: 'unreadable' });
  });

  it('says why there is no answer', async () => {
    expect(await question()).toEqual({ kind: 'no-responders' });
    answering();
    expect(await question()).toEqual({ kind: 'timeout' });
    answering(PROBING);
    expect(await question(({ kind }) => kind !== 'probing')).toEqual({ kind: 'timeout' });
    bus.disconnect();
    expect(await question()).toEqual({ kind: 'disconnected' });
  });
});
