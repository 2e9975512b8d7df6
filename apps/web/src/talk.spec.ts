import { VirtualSystem } from '@parley/harness';
import type { AudioOutput, ClientSocket } from '@parley/client';
import { PARLEY_SUBPROTOCOL, samplesOfMs } from '@parley/model';
import { CLOSED } from './mouth';
import { Talk, canInterrupt } from './talk';

class FakeSocket implements ClientSocket {
  binaryType = '';
  readonly protocol = PARLEY_SUBPROTOCOL;
  readonly sent: Record<string, unknown>[] = [];
  private readonly listeners = new Map<string, (event: never) => void>();

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  addEventListener(type: string, listener: (event: never) => void): void {
    this.listeners.set(type, listener);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {}
  fire(type: string, event: object = {}): void {
    this.listeners.get(type)?.(event as never);
  }
  event(type: string, fields: object): void {
    this.fire('message', { data: JSON.stringify({ type, ...fields }) });
  }
  accept(session: object = {}): void {
    this.fire('open');
    this.event('parley.session', {
      session_id: 'sess_1',
      resume_token: 'token_1',
      resumed: false,
      last_client_event_id: null,
      capabilities: [],
      ...session,
    });
  }
  closed(code = 1006): void {
    this.fire('close', { code, reason: '' });
  }
}

const R = 'resp_1';
const LEAD_MS = 40;

/** A store whose content the test sees. */
function memory(value: string | undefined) {
  const store = {
    value,
    read: () => store.value,
    write: (written: string) => {
      store.value = written;
    },
    clear: () => {
      store.value = undefined;
    },
  };
  return store;
}

function page(defaultKey: string | undefined, storedKey?: string, storedToken?: string) {
  const system = new VirtualSystem();
  const sockets: FakeSocket[] = [];
  class WebSocket extends FakeSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  const keyStore = memory(storedKey);
  const resumeStore = memory(storedToken);
  const output: AudioOutput = {
    leadSamples: samplesOfMs(LEAD_MS),
    nowSample: () => samplesOfMs(system.nowMs),
    heardSample: () => samplesOfMs(system.nowMs),
    play: () => {},
    move: () => {},
    cut: () => {},
    release: () => {},
  };
  const talk = new Talk({
    url: 'ws://gateway.test',
    defaultKey,
    keyStore,
    resumeStore,
    WebSocket,
    system,
    makeOutput: () => output,
  });
  talk.start();
  const socket = (): FakeSocket => {
    const latest = sockets.at(-1);
    if (latest === undefined) throw new Error('no socket was made');
    return latest;
  };
  const offeredKey = (): string | undefined => socket().protocols[1]?.replace('openai-insecure-api-key.', '');
  return { talk, system, sockets, socket, offeredKey, keyStore, resumeStore };
}

async function answering() {
  const subject = page('dev');
  const { talk, socket, system } = subject;
  socket().accept();
  socket().event('parley.pong', {});
  talk.send('Hello');
  const turn_id = socket().sent.find((event) => event['type'] === 'parley.transcript.final')?.['turn_id'];
  await system.advanceBy(200);
  socket().event('parley.turn.accepted', { turn_id, response_id: R });
  socket().event('parley.state', { state: 'speaking', response_id: R });
  socket().event('response.output_audio_transcript.delta', { response_id: R, delta: 'Good day to you.' });
  const visemes = [{ viseme: 'aa', start_ms: 0, duration_ms: 400 }];
  socket().event('parley.visemes', { response_id: R, item_id: 'item_1', visemes });
  const silence = Buffer.alloc(samplesOfMs(1000) * 2).toString('base64');
  socket().event('response.output_audio.delta', { response_id: R, segment: 0, first_sample: 0, delta: silence });
  return subject;
}

describe('the key', () => {
  it('is the well-known one on this machine and is not stored', () => {
    const { talk, socket, offeredKey, keyStore } = page('dev');
    expect(offeredKey()).toBe('dev');
    socket().accept();
    expect(talk.current().connection).toEqual({ phase: 'open' });
    expect(keyStore.value).toBeUndefined();
  });

  it('is asked for without trying anything elsewhere', () => {
    const { talk, sockets } = page(undefined);
    expect(talk.current().connection).toEqual({ phase: 'key-needed', message: '' });
    expect(sockets).toEqual([]);
  });

  it('is asked for when the upgrade was refused, and stored when it has opened a session', () => {
    const { talk, socket, offeredKey, keyStore } = page('dev');
    socket().closed();
    expect(talk.current().connection.phase).toBe('key-needed');
    talk.connect('typed');
    expect(offeredKey()).toBe('typed');
    expect(keyStore.value).toBeUndefined();
    socket().accept();
    expect(keyStore.value).toBe('typed');
  });

  it('of this tab goes first', () => {
    expect(page('dev', 'kept').offeredKey()).toBe('kept');
  });

  it('is not in doubt when a gateway it has opened cannot be reached', () => {
    const { talk, socket, offeredKey } = page('dev', 'kept');
    socket().accept();
    socket().closed(1000);
    talk.reconnect();
    expect(offeredKey()).toBe('kept');
    socket().closed();
    expect(talk.current().connection).toEqual({ phase: 'closed', message: 'The gateway cannot be reached.' });
  });
});

describe('a lost connection', () => {
  /** The longest that each of them can be: the first three are spread by chance. */
  const PAUSES_MS = [200, 300, 900, 2_000, 4_000, 8_000, 16_000, 30_000];

  it('of a server that has asked for another one is no news', async () => {
    const { talk, socket, sockets, system } = await answering();
    socket().event('parley.going_away', { reconnect_within_ms: 2_000 });
    const phases = new Set<string>();
    while (sockets.length === 1) {
      await system.advanceBy(50);
      phases.add(talk.current().connection.phase);
    }
    socket().accept({ resumed: true });
    expect([...phases, talk.current().connection.phase]).toEqual(['open', 'open']);
    expect(talk.current().notice).toBeUndefined();
  });

  it('[RT9] is said, comes back by itself, and the conversation goes on', async () => {
    const { talk, socket, sockets, system } = await answering();
    socket().closed();
    expect(talk.current()).toMatchObject({
      connection: { phase: 'reconnecting', message: 'The connection broke.' },
      floor: 'speaking',
    });
    expect(talk.send('still there?')).toBe(true);
    await system.advanceBy(200);
    expect(sockets).toHaveLength(2);
    socket().accept({ resumed: true });
    socket().event('response.output_audio_transcript.delta', { response_id: R, delta: ' More.' });
    expect(talk.current().connection).toEqual({ phase: 'open' });
    expect(talk.current().conversation).toMatchObject([
      { text: 'Hello', answer: { text: 'Good day to you. More.' } },
      { text: 'still there?', refusal: undefined },
    ]);
    expect(socket().sent.filter(({ type }) => type === 'parley.transcript.final')).toHaveLength(1);
  });

  it('leads to a new session when the old one is gone, and the page says what was lost', async () => {
    const { talk, socket, system } = await answering();
    socket().closed();
    await system.advanceBy(200);
    socket().accept({ resumed: false });
    expect(talk.current()).toMatchObject({ connection: { phase: 'open' }, floor: 'idle' });
    expect(talk.mouth()).toBeUndefined();
    expect(talk.current().conversation).toMatchObject([
      { answer: { outcome: { kind: 'stopped', reason: 'The connection was lost.' } } },
      { kind: 'new-session' },
    ]);
  });

  it('[RT9] ends the conversation after a minute of tries; what was said stays on the page', async () => {
    const { talk, socket, sockets, system, resumeStore } = await answering();
    socket().closed();
    for (const pauseMs of PAUSES_MS) {
      await system.advanceBy(pauseMs);
      socket().closed();
    }
    expect(talk.current()).toMatchObject({
      connection: { phase: 'closed', message: 'The gateway cannot be reached.' },
      floor: undefined,
    });
    expect(talk.send('still there?')).toBe(false);
    expect(resumeStore.value).toBeUndefined();
    expect(sockets).toHaveLength(9);
    talk.reconnect();
    socket().accept();
    expect(sockets.at(-1)?.url).not.toContain('resume');
    expect(talk.current().conversation.map(({ kind }) => kind)).toEqual(['turn', 'new-session']);
  });

  it('moves the mouth once for visemes that come again', async () => {
    const { talk, socket, system } = await answering();
    await system.advanceBy(LEAD_MS + 200);
    const before = talk.mouth();
    const visemes = [{ viseme: 'aa', start_ms: 0, duration_ms: 400 }];
    socket().event('parley.visemes', { response_id: R, item_id: 'item_1', visemes });
    expect(talk.mouth()).toEqual(before);
  });
});

describe('a reload of the page', () => {
  it('goes on with the session of this tab, by its newest token, and says so', () => {
    const { talk, socket, resumeStore } = page('dev', undefined, 'token_0');
    expect([...new URL(socket().url).searchParams]).toEqual([
      ['audio', 'binary'],
      ['resume', 'token_0'],
    ]);
    socket().accept({ resumed: true });
    socket().event('parley.state', { state: 'speaking', response_id: R });
    socket().event('response.output_audio_transcript.delta', { response_id: R, delta: 'and so on.' });
    expect(resumeStore.value).toBe('token_1');
    expect(talk.current().floor).toBe('speaking');
    expect(talk.current().conversation).toMatchObject([
      { kind: 'earlier-session' },
      { kind: 'turn', text: undefined, answer: { text: 'and so on.' } },
    ]);
  });

  it('begins a new conversation, without a word, when the session is gone', () => {
    const { talk, socket, resumeStore } = page('dev', undefined, 'token_0');
    socket().accept({ resumed: false });
    expect(talk.current().conversation).toEqual([]);
    expect(resumeStore.value).toBe('token_1');
  });

  it('keeps the token for the next one while the gateway cannot be reached', () => {
    const { socket, resumeStore } = page('dev', undefined, 'token_0');
    socket().closed();
    expect(resumeStore.value).toBe('token_0');
  });

  it('forgets the session that another window has taken over', () => {
    const { talk, socket, resumeStore } = page('dev');
    socket().accept();
    socket().closed(4001);
    expect(resumeStore.value).toBeUndefined();
    expect(talk.current().connection).toEqual({
      phase: 'closed',
      message: 'The conversation goes on over another connection.',
    });
  });
});

describe('a conversation', () => {
  it('measures first audio from Send to the sample that sounds', async () => {
    const { talk } = await answering();
    const [turn] = talk.current().conversation;
    expect(turn).toMatchObject({ text: 'Hello', answer: { text: 'Good day to you.', firstAudioMs: 200 + LEAD_MS } });
  });

  it('moves the mouth with what is heard, and only then', async () => {
    const { talk, system } = await answering();
    expect(talk.mouth()).toBeUndefined();
    await system.advanceBy(LEAD_MS + 200);
    expect(talk.mouth()?.open).toBeCloseTo(1);
    await system.advanceBy(400);
    expect(talk.mouth()).toEqual(CLOSED);
    await system.advanceBy(1000);
    expect(talk.mouth()).toBeUndefined();
  });

  it('interrupts only what thinks or speaks', async () => {
    const { talk, socket, system } = await answering();
    await system.advanceBy(LEAD_MS + 300);
    expect(canInterrupt(talk.current())).toBe(true);
    talk.interrupt();
    expect(talk.mouth()).toBeUndefined();
    expect(socket().sent.slice(-2)).toMatchObject([
      { type: 'parley.playback', played_ms: 300 },
      { type: 'parley.interrupt' },
    ]);
    socket().event('parley.state', { state: 'listening' });
    talk.interrupt();
    expect(socket().sent.filter(({ type }) => type === 'parley.interrupt')).toHaveLength(1);
  });

  it('shows a refusal at its turn, and any other error as a notice that the next message clears', async () => {
    const { talk, socket } = await answering();
    talk.send('too soon');
    const event_id = socket().sent.at(-1)?.['event_id'];
    const error = (code: string, id: unknown): void =>
      socket().event('error', { error: { code, message: `about ${code}`, param: null, event_id: id } });
    error('turn_in_progress', event_id);
    expect(talk.current().conversation.at(-1)).toMatchObject({ refusal: 'about turn_in_progress' });
    error('tts_unavailable', null);
    error('nothing_to_interrupt', null);
    expect(talk.current().notice).toBe('about tts_unavailable');
    talk.send('next');
    expect(talk.current().notice).toBeUndefined();
  });
});
