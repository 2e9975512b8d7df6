import { subjects, workGroups, type Claim, type ClaimReply } from '@parley/model';
import { encodeEnvelope } from '@parley/schemas';
import { claimSession, type ClaimOutcome } from './claim-session';
import { GatewayStage, SESSION, TRACE } from '../gateway-stage.fixture';

const CLAIM: Claim = {
  sessionId: SESSION,
  gateway: 'gw_one',
  seenEpoch: 0,
  attach: { kind: 'new', connection: { parley: true, model: null } },
};
const opening = { greeting: [], afterOutSeq: 0, throughOutSeq: 0, responses: [] };
const GRANTED: ClaimReply = { kind: 'granted', epoch: 3, attachment: 2, owner: 'orc_one', opening };
const TARGET: ClaimOutcome = { kind: 'granted', target: { owner: 'orc_one', epoch: 3, attachment: 2 }, opening };

type Word = { afterMs: number; say: ClaimReply | { kind: 'nonsense' } };

let stage: GatewayStage;
/** When each try came. */
let triesMs: number[];
beforeEach(() => {
  stage = new GatewayStage();
  triesMs = [];
});

/** An orchestrator that answers the nth try with the nth list of words. */
function answering(...tries: Word[][]): void {
  const bus = stage.link();
  const { subject, reserve } = workGroups.claim;
  for (const asked of [subject, reserve]) {
    bus.subscribe(asked, (message) => {
      const words = tries[triesMs.length] ?? [];
      triesMs.push(stage.system.nowMs);
      for (const { afterMs, say } of words) {
        stage.system.timers.after(afterMs, () => message.reply?.(encodeEnvelope(TRACE, say)));
      }
    });
  }
}

const claim = (): Promise<ClaimOutcome> => stage.system.runUntil(claimSession(stage, CLAIM, TRACE));

describe('claiming a session', () => {
  it('is granted, with the owner, its epoch and the attachment', async () => {
    answering([{ afterMs: 5, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
  });

  it('is granted by its owner, where another one was asked: only the owner can attach a connection', async () => {
    answering([{ afterMs: 5, say: { kind: 'owned', epoch: 3, owner: 'orc_one' } }]);
    stage
      .link()
      .subscribe(subjects.ownerClaim('orc_one'), (message) => message.reply?.(encodeEnvelope(TRACE, GRANTED)));
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0]);
  });

  it('asks the group again where its owner is gone meanwhile', async () => {
    answering([{ afterMs: 5, say: { kind: 'owned', epoch: 2, owner: 'orc_gone' } }], [{ afterMs: 5, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0, 5]);
  });

  it('fails at once where it cannot even be sent, which would be a fault of ours', async () => {
    answering([{ afterMs: 5, say: GRANTED }]);
    const patch = { instructions: 'x'.repeat(1_100_000) };
    const attach = { kind: 'new', connection: { parley: true, model: null, defaults: patch } } as const;
    const failing = stage.system.runUntil(claimSession(stage, { ...CLAIM, attach }, TRACE));
    await expect(failing).rejects.toThrow('over the bus');
    expect([triesMs, stage.system.nowMs, stage.system.pendingTimers]).toEqual([[], 0, 0]);
  });

  it('waits for the final word while the old owner is probed, and asks nobody else meanwhile', async () => {
    answering([
      { afterMs: 100, say: { kind: 'probing' } },
      { afterMs: 600, say: GRANTED },
    ]);
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0]);
  });

  it('gives a probe no more time than a try has, and asks again', async () => {
    answering([{ afterMs: 0, say: { kind: 'probing' } }], [{ afterMs: 5, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0, 750]);
  });

  it('ends at once when the session is over', async () => {
    answering([{ afterMs: 5, say: { kind: 'gone' } }]);
    expect(await claim()).toEqual({ kind: 'gone' });
    expect(triesMs).toHaveLength(1);
  });

  it('asks on when one has no room, and takes the next one’s word', async () => {
    answering([{ afterMs: 5, say: { kind: 'full' } }], [{ afterMs: 5, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
  });

  it('is full after three tries without room', async () => {
    const full: Word[] = [{ afterMs: 5, say: { kind: 'full' } }];
    answering(full, full, full, full);
    expect(await claim()).toEqual({ kind: 'full' });
    expect(triesMs).toHaveLength(3);
  });

  it('is granted by one in reserve, where the only one in the group is stopped', async () => {
    const { subject, reserve } = workGroups.claim;
    stage.link().subscribe(subject, () => triesMs.push(stage.system.nowMs));
    stage.link().subscribe(reserve, (message) => message.reply?.(encodeEnvelope(TRACE, GRANTED)));
    expect(await claim()).toEqual(TARGET);
    expect([triesMs, stage.system.nowMs]).toEqual([[0], 150]);
  });

  it('is full when the last one that had no room is gone', async () => {
    const bus = stage.link();
    bus.subscribe(subjects.claim, (message) => {
      message.reply?.(encodeEnvelope(TRACE, { kind: 'full' }));
      stage.system.timers.after(0, () => bus.disconnect());
    });
    expect(await claim()).toEqual({ kind: 'full' });
  });

  it('asks another one after 150 ms of silence: one that is stopped costs no more', async () => {
    answering([], [{ afterMs: 5, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0, 150]);
    expect(stage.system.nowMs).toBe(155);
  });

  it('still takes the word of one that was slow, while another one is asked', async () => {
    answering([{ afterMs: 200, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0, 150]);
    expect(stage.system.nowMs).toBe(200);
  });

  it('asks nobody else once one that was asked again says that it probes', async () => {
    answering(
      [],
      [
        { afterMs: 10, say: { kind: 'probing' } },
        { afterMs: 400, say: GRANTED },
      ],
    );
    expect(await claim()).toEqual(TARGET);
    expect(triesMs).toEqual([0, 150]);
  });

  it('of two grants takes the first, and waits for nothing more', async () => {
    answering([{ afterMs: 160, say: GRANTED }], [{ afterMs: 20, say: { ...GRANTED, epoch: 4, owner: 'orc_two' } }]);
    expect(await claim()).toEqual(TARGET);
    await stage.system.advanceBy(5_000);
    expect(triesMs).toEqual([0, 150]);
    expect(stage.system.pendingTimers).toBe(0);
  });

  it('is unavailable after eight tries without an answer, within 1.8 s', async () => {
    answering();
    expect(await claim()).toEqual({ kind: 'unavailable' });
    expect(triesMs).toEqual([0, 150, 300, 450, 600, 750, 900, 1050]);
    expect(stage.system.nowMs).toBe(1800);
  });

  it('is unavailable at once when there is no orchestrator, or no link', async () => {
    expect(await claim()).toEqual({ kind: 'unavailable' });
    stage.bus.disconnect();
    expect(await claim()).toEqual({ kind: 'unavailable' });
    expect(stage.system.nowMs).toBe(0);
  });

  it('asks another one when an answer cannot be read', async () => {
    answering([{ afterMs: 0, say: { kind: 'nonsense' } }], [{ afterMs: 0, say: GRANTED }]);
    expect(await claim()).toEqual(TARGET);
  });

  it('leaves no timer behind', async () => {
    answering([
      { afterMs: 0, say: { kind: 'probing' } },
      { afterMs: 5, say: GRANTED },
    ]);
    await claim();
    expect(stage.system.pendingTimers).toBe(0);
  });
});
