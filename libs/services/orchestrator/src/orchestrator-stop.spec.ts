import { keepClaim, newClaim, SESSION, turnOf, updateOf, type GatewayDouble } from './orchestrator-stage.fixture';
import { RunningOrchestrators } from './running-orchestrators.fixture';

let stage: RunningOrchestrators;
let gateway: GatewayDouble;

beforeEach(() => {
  stage = new RunningOrchestrators();
  ({ gateway } = stage);
});
afterEach(() => stage.end());

describe('a planned stop', () => {
  it('claims no more, lets the running answer end, and then frees the session for another process', async () => {
    const { service } = await stage.start();
    await stage.claim();
    await stage.now(gateway.send(turnOf(1)));
    let stopped = false;
    const stopping = service.stop(10_000).then(() => (stopped = true));
    expect(service.readiness().reasons).toEqual(['stopping']);
    await stage.pass(2_000);
    expect(stopped).toBe(false);
    expect(await stage.claim(newClaim('sess_other'))).toBe('no-responders');
    // The session is served meanwhile.
    expect(await stage.now(gateway.send(updateOf('Be kind.')))).toEqual({ kind: 'applied', seq: 2 });
    stage.llm.call(0).writes('One two three four.');
    stage.llm.call(0).finishes();
    await stage.pass(100);
    gateway.report({
      acknowledgedOutSeq: 99,
      announcedOrdinal: 1,
      responses: [
        {
          ...{
            lane: 0,
            ordinal: 1,
            responseId: 'resp_1',
            playedSamples: 0,
            ended: false,
            closed: true,
            holedAttempt: null,
          },
          segments: [{ attempt: 1, samples: 24_000, last: true }],
        },
      ],
    });
    await stage.pass(100);
    expect(stopped).toBe(true);
    await stopping;
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: undefined } });
    await stage.start();
    expect(await stage.claim(keepClaim())).toMatchObject({ kind: 'granted', epoch: 2 });
  });

  it('ends at its deadline in mid-answer, and the session goes on elsewhere', async () => {
    const { service } = await stage.start();
    await stage.claim();
    await stage.now(gateway.send(turnOf(1)));
    const stopping = service.stop(3_000);
    expect(service.stop(9_000)).toBe(stopping);
    await stage.pass(3_100);
    await stopping;
    expect(stage.llm.call(0).signal.aborted).toBe(true);
    expect(await stage.now(gateway.send(turnOf(2)))).toBe('no-responders');
    await stage.start();
    expect(await stage.claim(keepClaim())).toMatchObject({ kind: 'granted', epoch: 2 });
  });

  it('ends at its deadline though the store is away', async () => {
    const { service, ports } = await stage.start();
    await stage.claim();
    ports.store.inner.setUnavailable(true);
    void gateway.send(turnOf(1));
    await stage.pass();
    const stopping = service.stop(3_000);
    await stage.pass(3_100);
    await stopping;
  });

  it('waits for a claim under way, and frees what that one won', async () => {
    const one = await stage.start();
    one.delayClaims(200);
    void gateway.claim(newClaim());
    await stage.pass(100);
    const stopping = one.service.stop(3_000);
    await stage.pass(500);
    await stopping;
    expect(stage.storeServer.sessions.load(SESSION)).toMatchObject({ session: { owner: undefined } });
  });
});
