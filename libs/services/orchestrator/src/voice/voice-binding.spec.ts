import { WorkerDouble } from '../orchestrator-stage.fixture';
import { KEY, REQUEST, spoken, VoiceBindingStage } from './voice-binding-stage.fixture';

let stage: VoiceBindingStage;

beforeEach(() => {
  stage = new VoiceBindingStage();
});
afterEach(() => stage.end());

const LOST = 'failed worker_lost: The voice worker of this answer was lost.';

describe('orders', () => {
  it('given before a worker accepts wait, and then go to it in order', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => 400;
    stage.open();
    stage.binding.segment(spoken(0, 'Hello.'));
    stage.binding.segment(spoken(1, 'You.'));
    stage.binding.end(2);
    await stage.pass(399);
    expect(worker.orders).toEqual([]);
    await stage.pass(1);
    expect(worker.orders).toEqual([
      { ...KEY, kind: 'segment', ...spoken(0, 'Hello.') },
      { ...KEY, kind: 'segment', ...spoken(1, 'You.') },
      { ...KEY, kind: 'end', segments: 2 },
    ]);
  });

  it('go out at once when bound, one behind the other without waiting for answers', async () => {
    const worker = await stage.bound();
    worker.onOrder = () => undefined;
    stage.binding.segment(spoken(0, 'Hello.'));
    stage.binding.segment(spoken(1, 'You.'));
    await stage.pass();
    expect(worker.kinds).toEqual(['segment 0', 'segment 1']);
  });

  it('after a refusal go nowhere', async () => {
    stage.open();
    await stage.pass();
    const worker = new WorkerDouble(stage);
    stage.binding.segment(spoken(0, 'Hello.'));
    stage.binding.cancel();
    await stage.pass(100);
    expect(worker.orders).toEqual([]);
  });
});

describe('a cancel', () => {
  it('goes to the bound worker, and nothing after it', async () => {
    const worker = await stage.bound();
    stage.binding.segment(spoken(0, 'Hello.'));
    stage.binding.cancel();
    stage.binding.segment(spoken(1, 'You.'));
    stage.binding.end(2);
    stage.binding.cancel();
    await stage.pass();
    expect(worker.kinds).toEqual(['segment 0', 'cancel']);
  });

  it('before anybody accepted goes to the one that accepts late; what waited never does', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => 400;
    stage.open();
    stage.binding.segment(spoken(0, 'Hello.'));
    await stage.pass(100);
    stage.binding.cancel();
    await stage.pass(400);
    expect(worker.orders).toEqual([{ ...KEY, kind: 'cancel' }]);
    expect(stage.told).toEqual([]);
  });

  it('ends the search', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => undefined;
    stage.open();
    stage.binding.cancel();
    await stage.pass(10_000);
    expect(worker.opens).toHaveLength(1);
    expect(stage.told).toEqual([]);
  });

  it('that is not answered is sent again, three times in all', async () => {
    const worker = await stage.bound();
    worker.onOrder = () => undefined;
    stage.binding.cancel();
    await stage.pass(60_000);
    expect(worker.kinds).toEqual(['cancel', 'cancel', 'cancel']);
  });

  it('is not repeated for a worker that is gone or knows nothing of it', async () => {
    const worker = await stage.bound();
    worker.onOrder = () => ({ kind: 'unknown-job' });
    stage.binding.cancel();
    await stage.pass(20_000);
    expect(worker.kinds).toEqual(['cancel']);
    expect(stage.told).toEqual([]);
  });
});

describe('a worker', () => {
  it('that knows nothing of its job is lost to this response, once', async () => {
    const worker = await stage.bound();
    worker.onOrder = () => ({ kind: 'unknown-job' });
    stage.binding.segment(spoken(0, 'Hello.'));
    stage.binding.segment(spoken(1, 'You.'));
    await stage.pass();
    expect(stage.told).toEqual([LOST]);
    stage.binding.segment(spoken(2, 'Again.'));
    await stage.pass();
    expect(worker.orders).toHaveLength(2);
  });

  it('that does not answer an order for 5 s is lost', async () => {
    const worker = await stage.bound();
    worker.onOrder = () => undefined;
    stage.binding.segment(spoken(0, 'Hello.'));
    await stage.pass(4_999);
    expect(stage.told).toEqual([]);
    await stage.pass(1);
    expect(stage.told).toEqual([LOST]);
  });

  it('that dies is lost at its next order', async () => {
    const worker = await stage.bound();
    worker.bus.kill();
    stage.binding.segment(spoken(0, 'Hello.'));
    await stage.pass();
    expect(stage.told).toEqual([LOST]);
  });

  it('that dies while nothing is ordered is lost within a ping', async () => {
    const worker = await stage.bound();
    worker.bus.kill();
    await stage.pass(250);
    expect(stage.told).toEqual([LOST]);
  });

  it('that dies after the binding was released or cancelled is no loss', async () => {
    const worker = await stage.bound();
    stage.binding.release();
    worker.bus.kill();
    await stage.pass(10_000);
    expect(stage.told).toEqual([]);
  });

  it('whose answer to an order comes after the cancel is no loss', async () => {
    const worker = await stage.bound();
    worker.onOrder = (order) => ({ kind: order.kind === 'cancel' ? 'ok' : 'unknown-job' });
    stage.binding.segment(spoken(0, 'Hello.'));
    stage.binding.cancel();
    await stage.pass(100);
    expect(stage.told).toEqual([]);
  });
});

describe('a rendering for an owner that is gone', () => {
  const adopts = { worker: 'tts_one', epoch: 1, attempt: 4, segments: 3 } as const;
  const goOn = (): void => void stage.binding.open(REQUEST, adopts);
  const ADOPT = { ...KEY, kind: 'adopt', of: { epoch: 1, attempt: 4 }, owner: REQUEST.owner, segments: 3 };

  it('[G6] goes on at its worker, which then takes the orders that waited', async () => {
    const worker = new WorkerDouble(stage);
    goOn();
    stage.binding.segment(spoken(2, 'Hello.'));
    await stage.pass();
    expect(worker.opens).toEqual([]);
    expect(worker.orders).toEqual([ADOPT, { ...KEY, kind: 'segment', ...spoken(2, 'Hello.') }]);
    expect(stage.told).toEqual(['bound tts_one']);
  });

  it.each([
    ['does not hold it', (worker: WorkerDouble) => (worker.onOrder = () => ({ kind: 'unknown-job' })), 0],
    ['is gone', (worker: WorkerDouble) => worker.bus.kill(), 0],
    ['is silent', (worker: WorkerDouble) => (worker.onOrder = () => undefined), 300],
  ])('[G6] whose worker %s is begun anew at another', async (_, trouble, afterMs) => {
    const lost = new WorkerDouble(stage);
    lost.onOpen = () => ({ kind: 'full' });
    trouble(lost);
    const other = new WorkerDouble(stage, 'tts_two');
    goOn();
    await stage.pass(afterMs);
    while (stage.told.length === 0) await stage.pass(10);
    expect(stage.told).toEqual(['bound tts_two']);
    expect(other.opens).toMatchObject([KEY]);
  });

  it('[G1] that is taken up too late is cancelled', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOrder = () => undefined;
    goOn();
    await stage.pass(400);
    expect(worker.kinds.slice(0, 2)).toEqual(['adopt', 'cancel']);
  });

  it('[G1] that is cancelled meanwhile is cancelled at its worker as well', async () => {
    const worker = new WorkerDouble(stage);
    goOn();
    stage.binding.cancel();
    await stage.pass(10);
    expect(worker.kinds).toEqual(['adopt', 'cancel']);
    expect(stage.told).toEqual([]);
  });
});
