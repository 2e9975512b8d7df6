import { subjects } from '@parley/model';
import { HALF_S, WorkerStage } from './worker-stage.fixture';

let stage: WorkerStage;

beforeEach(async () => {
  stage = await WorkerStage.started();
});
afterEach(() => stage.end());

describe('binding', () => {
  it('accepts a response and names itself', async () => {
    expect(await stage.open()).toEqual(stage.accepted);
    expect(stage.worker.incarnation).toMatch(/^tts_[0-9a-f]{16}$/);
    expect(stage.gauges).toEqual([1]);
  });

  it('accepts the same open again as the same job', async () => {
    await stage.open();
    await stage.segment(0, 'Hello.');
    expect(await stage.open()).toEqual(stage.accepted);
    expect(stage.voice.syntheses).toHaveLength(1);
    expect(stage.gauges).toEqual([1]);
  });

  it('leaves the queue group while full, and returns when a job has ended', async () => {
    await stage.system.runUntil(stage.worker.stop(100));
    stage = await WorkerStage.started({ maxJobs: 2 });
    await stage.open({ ordinal: 1 });
    await stage.open({ ordinal: 2 });
    expect(await stage.open({ ordinal: 3 })).toBe('no-responders');
    await stage.order({ kind: 'cancel', ordinal: 1 });
    expect(await stage.open({ ordinal: 3 })).toEqual(stage.accepted);
  });

  it('leaves the queue group while its event loop is late, and then speaks only for who finds nobody else', async () => {
    await stage.system.stayAtLag(101, 1_000);
    expect(await stage.open({ ordinal: 1 })).toBe('no-responders');
    expect(await stage.open({ ordinal: 1 }, subjects.ttsOpenReserve)).toEqual(stage.accepted);
    await stage.system.stayAtLag(49, 3_000);
    expect(await stage.open({ ordinal: 2 })).toEqual(stage.accepted);
  });

  it('is full for everybody at its limit of jobs', async () => {
    await stage.system.runUntil(stage.worker.stop(100));
    stage = await WorkerStage.started({ maxJobs: 1 });
    await stage.open({ ordinal: 1 });
    expect(await stage.open({ ordinal: 2 }, subjects.ttsOpenReserve)).toEqual({ kind: 'full' });
  });

  it('says why when its voice cannot speak, and takes jobs once it can', async () => {
    await stage.system.runUntil(stage.worker.stop(100));
    stage = new WorkerStage();
    stage.voice.trouble = 'Install the voice.';
    await stage.start();
    expect(stage.worker.readiness()).toEqual({ ready: false, reasons: ['Install the voice.'] });
    expect(await stage.open()).toEqual({ kind: 'unavailable', message: 'Install the voice.' });
    stage.voice.trouble = undefined;
    await stage.open();
    expect(await stage.open()).toEqual(stage.accepted);
    expect(stage.worker.readiness()).toEqual({ ready: true, reasons: [] });
  });

  it('answers pings of its peers', async () => {
    const ping = stage.bus.request(subjects.peer(stage.worker.incarnation), new Uint8Array(), { timeoutMs: 100 });
    expect(await stage.now(ping)).toEqual({ kind: 'reply', payload: new Uint8Array() });
  });
});

describe('fences', () => {
  it('refuses orders of an owner that has a successor', async () => {
    await stage.open({ epoch: 1 });
    await stage.open({ epoch: 2, ordinal: 2 });
    expect(await stage.segment(0, 'Late.', { epoch: 1 })).toBe('unknown-job');
    expect(await stage.open({ epoch: 1, ordinal: 3 })).toMatchObject({ kind: 'unavailable' });
    expect(await stage.order({ kind: 'cancel', epoch: 1, ordinal: 2 })).toBe('unknown-job');
    expect(await stage.segment(0, 'New.', { epoch: 2, ordinal: 2 })).toBe('ok');
    expect(stage.voice.syntheses.map((synthesis) => synthesis.request.text)).toEqual(['New.']);
  });

  it('lets a newer rendering replace the one under way', async () => {
    await stage.open({ attempt: 1 });
    await stage.segment(0, 'One.');
    expect(await stage.open({ attempt: 2 })).toEqual(stage.accepted);
    expect(stage.synthesis(0).released).toBe(true);
    expect(await stage.segment(1, 'Two.', { attempt: 1 })).toBe('unknown-job');
    expect(await stage.open({ attempt: 1 })).toMatchObject({ kind: 'unavailable' });
    expect(await stage.segment(0, 'One.', { attempt: 2 })).toBe('ok');
    expect(stage.gauges.at(-1)).toBe(1);
  });

  it('refuses an older rendering that comes after the newer one', async () => {
    await stage.open({ attempt: 2 });
    expect(await stage.open({ attempt: 1 })).toMatchObject({ kind: 'unavailable' });
    expect(await stage.segment(0, 'One.', { attempt: 2 })).toBe('ok');
  });

  it('knows no job it was not given', async () => {
    expect(await stage.segment(0, 'Who?')).toBe('unknown-job');
    expect(await stage.order({ kind: 'end', segments: 1 })).toBe('unknown-job');
  });

  it('ignores what it cannot read', async () => {
    stage.bus.publish(subjects.ttsWorker(stage.worker.incarnation), new TextEncoder().encode('{"v":1}'));
    stage.bus.publish(subjects.ttsOpen, new Uint8Array([1, 2, 3]));
    await stage.open();
    stage.bus.publish(subjects.report('sess_one'), new Uint8Array());
    await stage.settle();
    expect(stage.warnings).toHaveLength(3);
    expect(await stage.segment(0, 'Still here.')).toBe('ok');
  });
});

describe('an abandoned job', () => {
  it('is dropped 60 s after its last order', async () => {
    await stage.open();
    await stage.system.advanceBy(30_000);
    await stage.segment(0, 'One.');
    stage.synthesis(0).finish();
    await stage.system.advanceBy(59_999);
    expect(stage.gauges.at(-1)).toBe(1);
    await stage.system.advanceBy(1);
    expect(stage.gauges.at(-1)).toBe(0);
    expect(await stage.segment(1, 'Two.')).toBe('unknown-job');
    expect(stage.system.pendingTimers).toBe(0);
  });

  it('is not one that waits for its listener', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    stage.synthesis(0).audio(200 * HALF_S);
    for (let seconds = 1; seconds <= 80; seconds++) {
      await stage.system.advanceBy(1_000);
      await stage.report(seconds * 2 * HALF_S);
    }
    expect(stage.gauges.at(-1)).toBe(1);
    expect(stage.sentSamples).toBe(168 * HALF_S);
  });
});

describe('stopping', () => {
  it('takes no more, finishes what runs, and leaves nothing behind', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    const stopped = stage.worker.stop(10_000);
    expect(stage.worker.readiness().ready).toBe(false);
    expect(await stage.open({ ordinal: 2 })).toBe('no-responders');
    expect(await stage.segment(1, 'Two.')).toBe('ok');
    await stage.order({ kind: 'end', segments: 2 });
    stage.synthesis(0).audio(480);
    stage.synthesis(0).finish();
    await stage.settle();
    stage.synthesis(1).finish();
    await stage.now(stopped);
    await stage.settle();
    expect(stage.chunks.filter((chunk) => chunk.last)).toHaveLength(2);
    expect(stage.system.nowMs).toBeLessThan(1_000);
    expect(await stage.order({ kind: 'cancel' })).toBe('no-responders');
    expect(stage.failures).toEqual([]);
  });

  it('cancels at the deadline what still runs, and tells its owner', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    stage.acknowledges = false;
    await stage.open({ ordinal: 2 });
    await stage.segment(0, 'Two.', { ordinal: 2 });
    stage.synthesis(1).play({ kind: 'failed', failure: { kind: 'cut', message: 'x' } });
    await stage.system.runUntil(stage.worker.stop(1_000));
    await stage.settle();
    expect(stage.system.nowMs).toBeLessThanOrEqual(1_000);
    expect(stage.failures.at(-1)).toMatchObject({ ordinal: 1, failure: { kind: 'worker_lost' } });
    expect(stage.voice.held).toBe(0);
    expect(stage.system.pendingTimers).toBe(0);
  });

  it('leaves no subscription behind', async () => {
    await stage.open();
    await stage.segment(0, 'One.');
    await stage.system.runUntil(stage.worker.stop(100));
    for (const subject of [
      subjects.ttsOpen,
      subjects.ttsWorker(stage.worker.incarnation),
      subjects.peer(stage.worker.incarnation),
      subjects.report('sess_one'),
    ]) {
      const outcome = stage.bus.request(subject, new Uint8Array(), { timeoutMs: 100 });
      expect(await stage.now(outcome)).toEqual({ kind: 'no-responders' });
    }
  });

  it('can be asked for twice', async () => {
    await stage.system.runUntil(Promise.all([stage.worker.stop(100), stage.worker.stop(100)]));
    expect(stage.worker.readiness().ready).toBe(false);
  });
});
