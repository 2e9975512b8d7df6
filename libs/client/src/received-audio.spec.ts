import { MAX_RESPONSES, ReceivedAudio } from './received-audio';

const A = 'resp_a';
const B = 'resp_b';
const C = 'resp_c';

/** Each sample is its position in the segment. */
const pcm = (firstSample: number, samples: number): Uint8Array =>
  new Uint8Array(Uint16Array.from({ length: samples }, (_, index) => firstSample + index).buffer);

const positions = (bytes: Uint8Array): number[] =>
  Array.from(
    { length: bytes.length / 2 },
    (_, index) => (bytes[2 * index] ?? NaN) + 256 * (bytes[2 * index + 1] ?? NaN),
  );

const take = (received: ReceivedAudio, segment: number, firstSample: number, samples: number): number[] =>
  positions(received.take(A, { segment, firstSample }, pcm(firstSample, samples)));

describe('what is received of a response', () => {
  it('counts by segment, from the first one on', () => {
    const received = new ReceivedAudio();
    take(received, 0, 0, 480);
    take(received, 0, 480, 240);
    take(received, 1, 0, 96);
    expect(received.statement()).toMatchObject([{ response_id: A, samples: [720, 96], done: false }]);
  });

  it('counts a segment that ended without a sample', () => {
    const received = new ReceivedAudio();
    take(received, 0, 0, 480);
    expect(take(received, 1, 0, 0)).toEqual([]);
    take(received, 2, 0, 48);
    expect(received.statement()).toMatchObject([{ samples: [480, 0, 48] }]);
  });

  it.each([
    ['what follows', 10, 3, [10, 11, 12]],
    ['the end of what overlaps', 8, 4, [10, 11]],
    ['nothing of what is there already', 4, 6, []],
  ])('hands out %s', (_, firstSample, samples, fresh) => {
    const received = new ReceivedAudio();
    take(received, 0, 0, 10);
    expect(take(received, 0, firstSample, samples)).toEqual(fresh);
    expect(received.statement()).toMatchObject([{ samples: [10 + fresh.length] }]);
  });

  it('hands out nothing of a segment that is over', () => {
    const received = new ReceivedAudio();
    take(received, 0, 0, 10);
    take(received, 1, 0, 10);
    expect(take(received, 0, 10, 5)).toEqual([]);
    expect(received.statement()).toMatchObject([{ samples: [10, 10] }]);
  });

  it('is every sample once, however chunks are repeated', () => {
    const received = new ReceivedAudio();
    const heard: number[] = [];
    for (let from = 0; from < 1000; from += 40) heard.push(...take(received, 0, Math.max(0, from - 25), 65));
    expect(heard).toEqual(Array.from({ length: heard.length }, (_, index) => index));
    expect(heard.length).toBeGreaterThanOrEqual(1000);
  });
});

describe('the statement', () => {
  /** A is done and heard to its end, B is done and half heard, of C there is a piece. */
  function three(): ReceivedAudio {
    const received = new ReceivedAudio();
    for (const [id, playedMs] of [
      [A, 20],
      [B, 10],
      [C, 0],
    ] as const) {
      received.begun(id);
      received.take(id, { segment: 0, firstSample: 0 }, pcm(0, 480));
      received.heard(id, playedMs, id === A);
      if (id !== C) received.done(id);
    }
    return received;
  }

  it('names the newest response and every other one that is not finished with', () => {
    expect(three().statement()).toEqual([
      { response_id: B, samples: [480], played_ms: 10, done: true },
      { response_id: C, samples: [480], played_ms: 0, done: false },
    ]);
  });

  it('names the newest one also when it is finished with, and then no other', () => {
    const received = three();
    received.heard(B, 20, true);
    received.heard(C, 20, true);
    received.done(C);
    expect(received.statement()).toEqual([{ response_id: C, samples: [480], played_ms: 20, done: true }]);
  });

  it('names one that was cut until its response.done is there', () => {
    const received = three();
    received.cut([A, B, C]);
    received.begun('resp_d');
    expect(received.statement().map(({ response_id: id, played_ms: played }) => [id, played])).toEqual([
      [C, 0],
      ['resp_d', 0],
    ]);
  });

  it('names one that was cut short of its end no more when it is done', () => {
    const received = three();
    received.cut([B]);
    expect(received.statement().map(({ response_id: id }) => id)).toEqual([C]);
  });

  it('never lets a position go back', () => {
    const received = three();
    received.heard(B, 5, false);
    expect(received.statement()).toMatchObject([{ played_ms: 10 }, {}]);
  });

  it('is empty when there was no response, and says of one that only began that nothing is there', () => {
    const received = new ReceivedAudio();
    expect(received.statement()).toEqual([]);
    received.begun(A);
    expect(received.statement()).toEqual([{ response_id: A, samples: [], played_ms: 0, done: false }]);
  });

  it('counts what was handed out as heard for an application that never reports', () => {
    const received = new ReceivedAudio();
    received.take(A, { segment: 0, firstSample: 0 }, pcm(0, 480));
    received.done(A);
    received.take(B, { segment: 0, firstSample: 0 }, pcm(0, 240));
    expect(received.statement()).toEqual([{ response_id: B, samples: [240], played_ms: 10, done: false }]);
  });

  it('never names more than a server reads, and then the newest', () => {
    const received = new ReceivedAudio();
    for (let n = 0; n < 100; n++) received.begun(`resp_${n}`);
    const named = received.statement().map(({ response_id: id }) => id);
    expect(named).toHaveLength(MAX_RESPONSES);
    expect(named.at(-1)).toBe('resp_99');
  });
});
