import { SEGMENT_START, type ProviderFailure, type VoiceJobKey, type WorkerId } from '@parley/model';
import { PeerWatch } from '@parley/service-link';
import { OrchestratorStage, SESSION, TRACE, WorkerDouble } from '../orchestrator-stage.fixture';
import { VoiceBinding } from './voice-binding';

const KEY: VoiceJobKey = { sessionId: SESSION, epoch: 2, lane: 0, ordinal: 3, attempt: 1 };
const REQUEST = { responseId: 'resp_3', owner: 'orc_one', voice: 'anna', speed: 1, lipSync: true } as const;

let stage: OrchestratorStage;
let bus: ReturnType<OrchestratorStage['link']>;
let peers: PeerWatch;
let binding: VoiceBinding;
let told: string[];

beforeEach(() => make());

function make(key = KEY): void {
  stage = new OrchestratorStage();
  bus = stage.link();
  peers = new PeerWatch(bus, stage.system, 'orc_one');
  told = [];
  const tell = (what: string) => (failure: ProviderFailure) =>
    void told.push(`${what} ${failure.kind}: ${failure.message}`);
  binding = new VoiceBinding(
    bus,
    stage.system.timers,
    peers,
    key,
    TRACE,
    {
      onBound: (worker: WorkerId) => void told.push(`bound ${worker}`),
      onRefused: tell('refused'),
      onFailed: tell('failed'),
    },
    stage.log,
  );
}
afterEach(async () => {
  binding.release();
  peers.close();
  // As long as an offer that nobody answered stays asked.
  await stage.pass(70_000);
  expect(stage.system.pendingTimers).toBe(0);
});

const open = (): void => void binding.open(REQUEST);
async function bound(): Promise<WorkerDouble> {
  const worker = new WorkerDouble(stage);
  open();
  await stage.pass();
  expect(told).toEqual(['bound tts_one']);
  told = [];
  return worker;
}
const spoken = (segment: number, text: string) => ({ segment, text, from: SEGMENT_START });
const LOST = 'failed worker_lost: The voice worker of this answer was lost.';

describe('finding a worker', () => {
  it('asks with everything a job needs, and is bound to the one that accepts', async () => {
    const worker = await bound();
    expect(worker.opens).toEqual([{ ...KEY, ...REQUEST }]);
  });

  it('asks again when one is full: another one may have room', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length < 3 ? { kind: 'full' } : { kind: 'accepted', worker: 'tts_one' });
    open();
    await stage.pass();
    expect(worker.opens).toHaveLength(3);
    expect(told).toEqual(['bound tts_one']);
  });

  it('asks one in reserve when no other has room, as whoever speaks already must be heard', async () => {
    const worker = new WorkerDouble(stage);
    worker.leaveGroup();
    open();
    await stage.pass();
    expect(told).toEqual(['bound tts_one']);
    expect(worker.opens).toHaveLength(1);
  });

  it('in mid-answer goes on until one comes: the lost one is started again', async () => {
    make({ ...KEY, attempt: 2 });
    open();
    await stage.pass(1_000);
    expect(told).toEqual([]);
    const worker = new WorkerDouble(stage);
    await stage.pass(250);
    expect(told).toEqual(['bound tts_one']);
    expect(worker.opens).toMatchObject([{ attempt: 2 }]);
  });

  it('in mid-answer ends with the cancel, and nobody is asked any more', async () => {
    make({ ...KEY, attempt: 2 });
    open();
    await stage.pass(100);
    binding.cancel();
    const worker = new WorkerDouble(stage);
    await stage.pass(2_000);
    expect(worker.opens).toEqual([]);
    expect(told).toEqual([]);
  });

  it('is refused after three that were full', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => ({ kind: 'full' });
    open();
    await stage.pass();
    expect(worker.opens).toHaveLength(3);
    expect(told).toEqual(['refused missing: All voice workers are busy.']);
  });

  it('is refused at once, in its words, by one that can speak nothing', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => ({ kind: 'unavailable', message: 'Install espeak.' });
    open();
    await stage.pass();
    expect(worker.opens).toHaveLength(1);
    expect(told).toEqual(['refused missing: Install espeak.']);
  });

  it('is refused at once where no worker runs', async () => {
    open();
    await stage.pass();
    expect(told).toEqual(['refused missing: No voice worker is running.']);
  });

  it('is refused after 4.5 s of silence, before the engine gives up', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => undefined;
    open();
    await stage.pass(4_499);
    expect(told).toEqual([]);
    await stage.pass(1);
    expect(told).toEqual(['refused missing: No voice worker answers.']);
    expect(worker.opens).toHaveLength(30);
  });
});

describe('a silent worker', () => {
  const accepted = { kind: 'accepted', worker: 'tts_one' } as const;
  const full = { kind: 'full' } as const;

  it('costs 150 ms: then another one is asked', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? undefined : accepted);
    open();
    await stage.pass(149);
    expect(worker.opens).toHaveLength(1);
    await stage.pass(1);
    expect(told).toEqual(['bound tts_one']);
  });

  it('that was only slow is taken at its word, and nobody else is asked any more', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? 200 : undefined);
    open();
    await stage.pass(200);
    expect(told).toEqual(['bound tts_one']);
    expect(worker.opens).toHaveLength(2);
  });

  it('that takes both of its offers keeps its job', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => 200;
    open();
    binding.segment(spoken(0, 'Hello.'));
    await stage.pass(1_000);
    expect(told).toEqual(['bound tts_one']);
    expect(worker.opens).toHaveLength(2);
    expect(worker.kinds).toEqual(['segment 0']);
  });

  it.each([
    ['while the other one speaks', 1_000, () => undefined],
    ['after a cancel', 1_000, () => binding.cancel()],
    ['when the response is long over', 59_000, () => binding.release()],
  ])('[G1] that takes its offer %s is cancelled, and given nothing to speak', async (_, afterMs, then) => {
    const slow = new WorkerDouble(stage, 'tts_slow');
    slow.onOpen = () => afterMs;
    open();
    await stage.pass();
    slow.onOpen = () => full;
    const other = new WorkerDouble(stage);
    // The other one has the only room.
    slow.leaveGroup();
    await stage.pass(150);
    while (told.length === 0) await stage.pass(150);
    expect(told).toEqual(['bound tts_one']);
    binding.segment(spoken(0, 'Hello.'));
    then();
    await stage.pass(afterMs);
    expect(slow.orders).toEqual([{ ...KEY, kind: 'cancel' }]);
    expect(other.kinds[0]).toBe('segment 0');
    expect(told).toEqual(['bound tts_one']);
  });

  it('[G1] that takes its offer when the voice was refused is cancelled', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? 10_000 : undefined);
    open();
    await stage.pass(9_999);
    expect(worker.orders).toEqual([]);
    await stage.pass(1);
    expect(worker.orders).toEqual([{ ...KEY, kind: 'cancel' }]);
  });

  it('that is the last one with room leaves the others, who are in reserve, to be found', async () => {
    const frozen = new WorkerDouble(stage, 'tts_frozen');
    frozen.onOpen = () => undefined;
    const late = new WorkerDouble(stage);
    late.leaveGroup();
    open();
    // Of those in reserve it is one as well.
    await stage.pass(4_500);
    expect(told).toEqual(['bound tts_one']);
  });

  it('does not have those counted as a crowd that were full before it and after it', async () => {
    const worker = new WorkerDouble(stage);
    const words = [full, full, undefined, full, full, accepted];
    worker.onOpen = () => words[worker.opens.length - 1];
    open();
    await stage.pass(150);
    expect(told).toEqual(['bound tts_one']);
  });

  it('in mid-answer may still take the first offer, when others were asked again', async () => {
    make({ ...KEY, attempt: 2 });
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? 1_000 : full);
    open();
    await stage.pass(1_000);
    expect(told).toEqual(['bound tts_one']);
    const { length } = worker.opens;
    await stage.pass(2_000);
    expect(worker.opens).toHaveLength(length);
  });
});

describe('orders', () => {
  it('given before a worker accepts wait, and then go to it in order', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => 400;
    open();
    binding.segment(spoken(0, 'Hello.'));
    binding.segment(spoken(1, 'You.'));
    binding.end(2);
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
    const worker = await bound();
    worker.onOrder = () => undefined;
    binding.segment(spoken(0, 'Hello.'));
    binding.segment(spoken(1, 'You.'));
    await stage.pass();
    expect(worker.kinds).toEqual(['segment 0', 'segment 1']);
  });

  it('after a refusal go nowhere', async () => {
    open();
    await stage.pass();
    const worker = new WorkerDouble(stage);
    binding.segment(spoken(0, 'Hello.'));
    binding.cancel();
    await stage.pass(100);
    expect(worker.orders).toEqual([]);
  });
});

describe('a cancel', () => {
  it('goes to the bound worker, and nothing after it', async () => {
    const worker = await bound();
    binding.segment(spoken(0, 'Hello.'));
    binding.cancel();
    binding.segment(spoken(1, 'You.'));
    binding.end(2);
    binding.cancel();
    await stage.pass();
    expect(worker.kinds).toEqual(['segment 0', 'cancel']);
  });

  it('before anybody accepted goes to the one that accepts late; what waited never does', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => 400;
    open();
    binding.segment(spoken(0, 'Hello.'));
    await stage.pass(100);
    binding.cancel();
    await stage.pass(400);
    expect(worker.orders).toEqual([{ ...KEY, kind: 'cancel' }]);
    expect(told).toEqual([]);
  });

  it('ends the search', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => undefined;
    open();
    binding.cancel();
    await stage.pass(10_000);
    expect(worker.opens).toHaveLength(1);
    expect(told).toEqual([]);
  });

  it('that is not answered is sent again, three times in all', async () => {
    const worker = await bound();
    worker.onOrder = () => undefined;
    binding.cancel();
    await stage.pass(60_000);
    expect(worker.kinds).toEqual(['cancel', 'cancel', 'cancel']);
  });

  it('is not repeated for a worker that is gone or knows nothing of it', async () => {
    const worker = await bound();
    worker.onOrder = () => ({ kind: 'unknown-job' });
    binding.cancel();
    await stage.pass(20_000);
    expect(worker.kinds).toEqual(['cancel']);
    expect(told).toEqual([]);
  });
});

describe('a worker', () => {
  it('that knows nothing of its job is lost to this response, once', async () => {
    const worker = await bound();
    worker.onOrder = () => ({ kind: 'unknown-job' });
    binding.segment(spoken(0, 'Hello.'));
    binding.segment(spoken(1, 'You.'));
    await stage.pass();
    expect(told).toEqual([LOST]);
    binding.segment(spoken(2, 'Again.'));
    await stage.pass();
    expect(worker.orders).toHaveLength(2);
  });

  it('that does not answer an order for 5 s is lost', async () => {
    const worker = await bound();
    worker.onOrder = () => undefined;
    binding.segment(spoken(0, 'Hello.'));
    await stage.pass(4_999);
    expect(told).toEqual([]);
    await stage.pass(1);
    expect(told).toEqual([LOST]);
  });

  it('that dies is lost at its next order', async () => {
    const worker = await bound();
    worker.bus.kill();
    binding.segment(spoken(0, 'Hello.'));
    await stage.pass();
    expect(told).toEqual([LOST]);
  });

  it('that dies while nothing is ordered is lost within a ping', async () => {
    const worker = await bound();
    worker.bus.kill();
    await stage.pass(250);
    expect(told).toEqual([LOST]);
  });

  it('that dies after the binding was released or cancelled is no loss', async () => {
    const worker = await bound();
    binding.release();
    worker.bus.kill();
    await stage.pass(10_000);
    expect(told).toEqual([]);
  });

  it('whose answer to an order comes after the cancel is no loss', async () => {
    const worker = await bound();
    worker.onOrder = (order) => ({ kind: order.kind === 'cancel' ? 'ok' : 'unknown-job' });
    binding.segment(spoken(0, 'Hello.'));
    binding.cancel();
    await stage.pass(100);
    expect(told).toEqual([]);
  });
});

describe('a rendering for an owner that is gone', () => {
  const adopts = { worker: 'tts_one', epoch: 1, attempt: 4, segments: 3 } as const;
  const goOn = (): void => void binding.open(REQUEST, adopts);
  const ADOPT = { ...KEY, kind: 'adopt', of: { epoch: 1, attempt: 4 }, owner: REQUEST.owner, segments: 3 };

  it('[G6] goes on at its worker, which then takes the orders that waited', async () => {
    const worker = new WorkerDouble(stage);
    goOn();
    binding.segment(spoken(2, 'Hello.'));
    await stage.pass();
    expect(worker.opens).toEqual([]);
    expect(worker.orders).toEqual([ADOPT, { ...KEY, kind: 'segment', ...spoken(2, 'Hello.') }]);
    expect(told).toEqual(['bound tts_one']);
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
    while (told.length === 0) await stage.pass(10);
    expect(told).toEqual(['bound tts_two']);
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
    binding.cancel();
    await stage.pass(10);
    expect(worker.kinds).toEqual(['adopt', 'cancel']);
    expect(told).toEqual([]);
  });
});
