import { subjects, type SecretFindReply, type SecretKeepReply, type SessionDefaults } from '@parley/model';
import { busSchemas, encodeEnvelope } from '@parley/schemas';
import { Orchestrator } from './orchestrator';
import { CONFIG, GatewayDouble, OrchestratorStage, read, TRACE, type HeldStore } from './orchestrator-stage.fixture';

const DEFAULTS: SessionDefaults = {
  model: 'named',
  patch: { instructions: 'Be kind.', voice: 'marin', settings: { tracing: 'auto' } },
};

let stage: OrchestratorStage;
let gateway: GatewayDouble;
let services: { service: Orchestrator; store: HeldStore }[];

beforeEach(() => {
  stage = new OrchestratorStage();
  gateway = new GatewayDouble(stage);
  services = [];
});
afterEach(async () => {
  for (const { service } of services) await stage.system.runUntil(service.stop(1_000));
  await stage.pass(20_000);
  expect(stage.system.pendingTimers).toBe(0);
});

async function start(): Promise<{ service: Orchestrator; store: HeldStore }> {
  const ports = stage.process();
  const one = { service: new Orchestrator(ports, CONFIG), store: ports.store };
  services.push(one);
  await stage.now(one.service.start());
  return one;
}

async function ask(subject: string, body: unknown): Promise<Uint8Array | string> {
  const asked = gateway.bus.request(subject, encodeEnvelope(TRACE, body), { timeoutMs: 100 });
  const outcome = await stage.system.runUntil(asked);
  return outcome.kind === 'reply' ? outcome.payload : outcome.kind;
}
async function keep(digest: string, ttlMs: number, defaults = DEFAULTS): Promise<SecretKeepReply | string> {
  const reply = await ask(subjects.secretKeep, { digest, ttlMs, defaults });
  return typeof reply === 'string' ? reply : read(busSchemas.secretKeepReply, reply);
}
async function find(digest: string): Promise<SecretFindReply | string> {
  const reply = await ask(subjects.secretFind, { digest });
  return typeof reply === 'string' ? reply : read(busSchemas.secretFindReply, reply);
}

describe('a client secret', () => {
  it('is kept with what its sessions begin with, which is answered whole', async () => {
    await start();
    expect(await keep('d', 60_000)).toMatchObject({
      kind: 'kept',
      session: {
        ...{ type: 'realtime', object: 'realtime.session', id: expect.stringMatching(/^sess_[0-9a-f]{32}$/) },
        ...{ model: 'model-2', instructions: 'Be kind.', tracing: 'auto', tool_choice: 'auto' },
        audio: { output: { voice: 'marin', format: { type: 'audio/pcm', rate: 24_000 } } },
      },
    });
    expect(await find('d')).toEqual({ kind: 'found', defaults: DEFAULTS });
  });

  it('without anything of its own begins sessions as the server’s configuration says', async () => {
    await start();
    const reply = await keep('d', 60_000, { model: null, patch: {} });
    expect(reply).toMatchObject({ session: { model: 'model-1', instructions: CONFIG.instructions } });
  });

  it('is known to every orchestrator, to the next one too, and to nobody when its time is over', async () => {
    const { service } = await start();
    await keep('d', 60_000);
    await stage.system.runUntil(service.stop(1_000));
    await start();
    await stage.pass(59_000);
    expect(await find('d')).toMatchObject({ kind: 'found' });
    await stage.pass(1_000);
    expect(await find('d')).toEqual({ kind: 'unknown' });
    expect(await find('never')).toEqual({ kind: 'unknown' });
  });

  it('is neither kept nor unknown while the store is away', async () => {
    const { store } = await start();
    store.inner.setUnavailable(true);
    expect([await keep('d', 60_000), await find('d')]).toEqual([{ kind: 'unavailable' }, { kind: 'unavailable' }]);
    store.inner.setUnavailable(false);
  });

  it('that was stored by another version is unknown', async () => {
    const { store } = await start();
    await stage.now(store.keepSecret('d', new TextEncoder().encode('{"v":2,"traceparent":"","body":{}}'), 60_000));
    expect(await find('d')).toEqual({ kind: 'unknown' });
    expect(stage.logged('a stored secret cannot be read')).toBe(1);
  });

  it('is no longer asked about at an orchestrator that stops', async () => {
    const { service } = await start();
    await stage.system.runUntil(service.stop(1_000));
    expect(await find('d')).toBe('no-responders');
  });
});
