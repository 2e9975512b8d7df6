import { WorkerDouble } from '../orchestrator-stage.fixture';
import { KEY, REQUEST, spoken, VoiceBindingStage } from './voice-binding-stage.fixture';

let stage: VoiceBindingStage;

beforeEach(() => {
  stage = new VoiceBindingStage();
});
afterEach(() => stage.end());

describe('finding a worker', () => {
  it('asks with everything a job needs, and is bound to the one that accepts', async () => {
    const worker = await stage.bound();
    expect(worker.opens).toEqual([{ ...KEY, ...REQUEST }]);
  });

  it('asks again when one is full: another one may have room', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length < 3 ? { kind: 'full' } : { kind: 'accepted', worker: 'tts_one' });
    stage.open();
    await stage.pass();
    expect(worker.opens).toHaveLength(3);
    expect(stage.told).toEqual(['bound tts_one']);
  });

  it('asks one in reserve when no other has room, as whoever speaks already must be heard', async () => {
    const worker = new WorkerDouble(stage);
    worker.leaveGroup();
    stage.open();
    await stage.pass();
    expect(stage.told).toEqual(['bound tts_one']);
    expect(worker.opens).toHaveLength(1);
  });

  it('in mid-answer goes on until one comes: the lost one is started again', async () => {
    stage = new VoiceBindingStage({ ...KEY, attempt: 2 });
    stage.open();
    await stage.pass(1_000);
    expect(stage.told).toEqual([]);
    const worker = new WorkerDouble(stage);
    await stage.pass(250);
    expect(stage.told).toEqual(['bound tts_one']);
    expect(worker.opens).toMatchObject([{ attempt: 2 }]);
  });

  it('in mid-answer ends with the cancel, and nobody is asked any more', async () => {
    stage = new VoiceBindingStage({ ...KEY, attempt: 2 });
    stage.open();
    await stage.pass(100);
    stage.binding.cancel();
    const worker = new WorkerDouble(stage);
    await stage.pass(2_000);
    expect(worker.opens).toEqual([]);
    expect(stage.told).toEqual([]);
  });

  it('is refused after three that were full', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => ({ kind: 'full' });
    stage.open();
    await stage.pass();
    expect(worker.opens).toHaveLength(3);
    expect(stage.told).toEqual(['refused missing: All voice workers are busy.']);
  });

  it('is refused at once, in its words, by one that can speak nothing', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => ({ kind: 'unavailable', message: 'Install espeak.' });
    stage.open();
    await stage.pass();
    expect(worker.opens).toHaveLength(1);
    expect(stage.told).toEqual(['refused missing: Install espeak.']);
  });

  it('is refused at once where no worker runs', async () => {
    stage.open();
    await stage.pass();
    expect(stage.told).toEqual(['refused missing: No voice worker is running.']);
  });

  it('is refused after 4.5 s of silence, before the engine gives up', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => undefined;
    stage.open();
    await stage.pass(4_499);
    expect(stage.told).toEqual([]);
    await stage.pass(1);
    expect(stage.told).toEqual(['refused missing: No voice worker answers.']);
    expect(worker.opens).toHaveLength(30);
  });
});

describe('a silent worker', () => {
  const accepted = { kind: 'accepted', worker: 'tts_one' } as const;
  const full = { kind: 'full' } as const;

  it('costs 150 ms: then another one is asked', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? undefined : accepted);
    stage.open();
    await stage.pass(149);
    expect(worker.opens).toHaveLength(1);
    await stage.pass(1);
    expect(stage.told).toEqual(['bound tts_one']);
  });

  it('that was only slow is taken at its word, and nobody else is asked any more', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? 200 : undefined);
    stage.open();
    await stage.pass(200);
    expect(stage.told).toEqual(['bound tts_one']);
    expect(worker.opens).toHaveLength(2);
  });

  it('that takes both of its offers keeps its job', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => 200;
    stage.open();
    stage.binding.segment(spoken(0, 'Hello.'));
    await stage.pass(1_000);
    expect(stage.told).toEqual(['bound tts_one']);
    expect(worker.opens).toHaveLength(2);
    expect(worker.kinds).toEqual(['segment 0']);
  });

  it.each([
    ['while the other one speaks', 1_000, () => undefined],
    ['after a cancel', 1_000, () => stage.binding.cancel()],
    ['when the response is long over', 59_000, () => stage.binding.release()],
  ])('[G1] that takes its offer %s is cancelled, and given nothing to speak', async (_, afterMs, then) => {
    const slow = new WorkerDouble(stage, 'tts_slow');
    slow.onOpen = () => afterMs;
    stage.open();
    await stage.pass();
    slow.onOpen = () => full;
    const other = new WorkerDouble(stage);
    // The other one has the only room.
    slow.leaveGroup();
    await stage.pass(150);
    while (stage.told.length === 0) await stage.pass(150);
    expect(stage.told).toEqual(['bound tts_one']);
    stage.binding.segment(spoken(0, 'Hello.'));
    then();
    await stage.pass(afterMs);
    expect(slow.orders).toEqual([{ ...KEY, kind: 'cancel' }]);
    expect(other.kinds[0]).toBe('segment 0');
    expect(stage.told).toEqual(['bound tts_one']);
  });

  it('[G1] that takes its offer when the voice was refused is cancelled', async () => {
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? 10_000 : undefined);
    stage.open();
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
    stage.open();
    // Of those in reserve it is one as well.
    await stage.pass(4_500);
    expect(stage.told).toEqual(['bound tts_one']);
  });

  it('does not have those counted as a crowd that were full before it and after it', async () => {
    const worker = new WorkerDouble(stage);
    const words = [full, full, undefined, full, full, accepted];
    worker.onOpen = () => words[worker.opens.length - 1];
    stage.open();
    await stage.pass(150);
    expect(stage.told).toEqual(['bound tts_one']);
  });

  it('in mid-answer may still take the first offer, when others were asked again', async () => {
    stage = new VoiceBindingStage({ ...KEY, attempt: 2 });
    const worker = new WorkerDouble(stage);
    worker.onOpen = () => (worker.opens.length === 1 ? 1_000 : full);
    stage.open();
    await stage.pass(1_000);
    expect(stage.told).toEqual(['bound tts_one']);
    const { length } = worker.opens;
    await stage.pass(2_000);
    expect(worker.opens).toHaveLength(length);
  });
});
