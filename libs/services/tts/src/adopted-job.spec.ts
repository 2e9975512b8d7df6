import { WorkerStage } from './worker-stage.fixture';

const ADOPT = { kind: 'adopt', of: { epoch: 1, attempt: 1 }, owner: 'orc_two' } as const;
const NEXT = { epoch: 2, attempt: 2 };

describe('a job whose owner was lost', () => {
  let stage: WorkerStage;

  beforeEach(async () => {
    stage = await WorkerStage.started();
    await stage.open();
    await stage.segment(0, 'Hello.');
    stage.synthesis(0).audio(480);
    await stage.settle();
  });
  afterEach(() => stage.end());

  const numbers = () =>
    stage.chunks.map(({ epoch, attempt, segment, firstSample }) => [epoch, attempt, segment, firstSample]);

  it('[G6] goes on for the new one, under its numbers, without a gap and without asking the voice again', async () => {
    expect(await stage.order({ ...ADOPT, ...NEXT, segments: 1 })).toBe('ok');
    // The new owner cannot know what was ordered before: it orders everything again.
    await stage.segment(0, 'Hello.', NEXT);
    stage.synthesis(0).audio(480);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(numbers()).toEqual([
      [1, 1, 0, 0],
      [2, 2, 0, 480],
      [2, 2, 0, 960],
    ]);
    expect(stage.voice.syntheses).toHaveLength(1);
  });

  it('takes the order that is repeated, and none of the old owner any more', async () => {
    await stage.order({ ...ADOPT, ...NEXT, segments: 1 });
    expect(await stage.order({ ...ADOPT, ...NEXT, segments: 1 })).toBe('ok');
    expect(await stage.segment(1, 'Of the old one.')).toBe('unknown-job');
    expect(await stage.order({ kind: 'cancel' })).toBe('unknown-job');
    expect(stage.synthesis(0).released).toBe(false);
  });

  it('[G1] leaves out what was ordered and is not stored', async () => {
    await stage.segment(1, 'Never stored.');
    await stage.order({ ...ADOPT, ...NEXT, segments: 1 });
    await stage.segment(1, 'Stored.', NEXT);
    stage.synthesis(0).finish();
    await stage.settle();
    expect(stage.synthesis(1).request.text).toBe('Stored.');
  });

  it('[G1] falls silent where it has begun what is not stored', async () => {
    expect(await stage.order({ ...ADOPT, ...NEXT, segments: 0 })).toBe('unknown-job');
    expect(stage.synthesis(0).released).toBe(true);
    stage.synthesis(0).audio(480);
    await stage.settle();
    expect(stage.chunks).toHaveLength(1);
  });

  it('is not taken for another rendering, nor a job that is not held', async () => {
    expect(await stage.order({ ...ADOPT, ...NEXT, of: { epoch: 1, attempt: 2 }, segments: 1 })).toBe('unknown-job');
    expect(await stage.order({ ...ADOPT, ...NEXT, ordinal: 7, segments: 1 })).toBe('unknown-job');
  });

  it('tells its failure under the new numbers', async () => {
    await stage.order({ ...ADOPT, ...NEXT, owner: 'orc_one', segments: 1 });
    stage.synthesis(0).play({ kind: 'failed', failure: { kind: 'cut', message: 'It broke.' } });
    await stage.settle();
    expect(stage.failures).toMatchObject([{ epoch: 2, attempt: 2, failure: { kind: 'cut' } }]);
  });
});
