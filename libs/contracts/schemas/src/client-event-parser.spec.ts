import {
  errorOf,
  refusalOf,
  item,
  LONG_ID,
  LONG_TEXT,
  parley,
  part,
  realtime,
  response,
  session,
  without,
  type Refusal,
} from './client-event.fixture';
import { parseClientEvent, parseClientText } from './client-event-parser';

describe('client events that are refused', () => {
  const playback = { type: 'parley.playback', response_id: 'resp_1', played_ms: 10 };
  const final = (text: unknown): object => ({ type: 'parley.transcript.final', text });

  const refused: Refusal[] = [
    ['null', null, 'invalid_json', null],
    ['an array', [], 'invalid_json', null],
    ['a string', 'session.update', 'invalid_json', null],
    ['a number', 7, 'invalid_json', null],
    ['an event without a type', {}, 'missing_required_parameter', 'type'],
    ['a type that is a number', { type: 7 }, 'invalid_value', 'type'],
    ['a type that is null', { type: null }, 'invalid_value', 'type'],
    ['a type nobody knows', { type: 'session.upgrade' }, 'unknown_event', 'type'],
    ['a type that objects inherit', { type: 'constructor' }, 'unknown_event', 'type'],
    ['a type that names the prototype', { type: '__proto__' }, 'unknown_event', 'type'],
    ['an unknown field of the event', { type: 'response.cancel', reason: 'x' }, 'unknown_parameter', 'reason'],
    ['mute without saying which', { type: 'parley.mute' }, 'missing_required_parameter', 'muted'],
    ['words for the agent that are none', { type: 'parley.say', text: 7 }, 'invalid_value', 'text'],
    [
      'partial words of no turn',
      { type: 'parley.transcript.partial', text: 'x' },
      'missing_required_parameter',
      'turn_id',
    ],
    ['speech with words', { type: 'parley.speech.started', text: 'x' }, 'unknown_parameter', 'text'],
    ['a transcript without text', { type: 'parley.transcript.final' }, 'missing_required_parameter', 'text'],
    ['a long transcript', final(LONG_TEXT), 'string_above_max_length', 'text'],
    ['a long turn id', { ...final('x'), turn_id: LONG_ID }, 'string_above_max_length', 'turn_id'],
    ['playback of nothing', without(playback, 'response_id'), 'missing_required_parameter', 'response_id'],
    ['playback without a position', without(playback, 'played_ms'), 'missing_required_parameter', 'played_ms'],
    ['playback before the start', { ...playback, played_ms: -0.1 }, 'invalid_value', 'played_ms'],
    ['playback that ended in words', { ...playback, ended: 'yes' }, 'invalid_value', 'ended'],
    ['a ping with a payload', { type: 'parley.ping', payload: 1 }, 'unknown_parameter', 'payload'],
    ['an event id that is a number', { type: 'parley.ping', event_id: 1 }, 'invalid_value', 'event_id'],
    ['a long event id', { type: 'parley.ping', event_id: LONG_ID }, 'string_above_max_length', 'event_id'],
  ];
  it.each(refused)('%s', (_, event, code, param) =>
    expect(refusalOf(event)).toMatchObject({ type: 'invalid_request_error', code, param }),
  );

  it('text that is not JSON', () => {
    for (const text of ['', '{', '{"type":', 'undefined', '{"type":"parley.ping"}}']) {
      expect(errorOf(parseClientText(text, parley))).toMatchObject({ code: 'invalid_json', param: null });
    }
  });

  it('names what is allowed beside an unknown field', () => {
    const error = errorOf(parseClientEvent(session({ type: 'realtime', audio: { video: {} } }), realtime));
    expect(error.message).toBe("Unknown parameter: 'session.audio.video'. Allowed here: input, output.");
    expect(errorOf(parseClientEvent(item({ content: [part('input_image')] }), realtime)).message).toContain(
      "'input_text'",
    );
  });

  it('repeats no more than the beginning of a name the client made up', () => {
    const error = errorOf(parseClientEvent({ type: 'response.cancel', ['x'.repeat(5000)]: 1 }, realtime));
    expect(error.message.length).toBeLessThan(300);
    expect(error.param?.length).toBeLessThan(100);
    expect(errorOf(parseClientEvent({ type: 'x'.repeat(5000) }, realtime)).message.length).toBeLessThan(300);
  });

  it('repeats no value, which may be personal', () => {
    const secret = 'my secret words';
    for (const event of [final([secret]), item({ role: secret }), session({ type: secret }), response(secret)]) {
      expect(errorOf(parseClientEvent(event, parley)).message).not.toContain(secret);
    }
  });
});

describe('events of parley.v1 on other connections', () => {
  it.each([
    { type: 'parley.ping' },
    { type: 'parley.interrupt' },
    { type: 'parley.transcript.final', text: 'x' },
    { type: 'parley.playback', response_id: 'resp_1', played_ms: 1 },
  ])('$type does not exist', (event) => {
    const error = errorOf(parseClientEvent(event, realtime));
    expect(error).toMatchObject({ code: 'unknown_event', param: 'type' });
    expect(error.message.split('Supported:')[1]).not.toContain('parley.');
    expect(parseClientEvent(event, parley).ok).toBe(true);
  });
});

describe('a format that leaves the only rate open, as the declarations of the API allow', () => {
  it('has it', () => {
    const audio = { output: { format: { type: 'audio/pcm' } } };
    const parsed = parseClientEvent({ type: 'session.update', session: { type: 'realtime', audio } }, parley);
    expect(parsed).toMatchObject({
      event: { session: { audio: { output: { format: { type: 'audio/pcm', rate: 24_000 } } } } },
    });
  });
});

describe('what stands for one of several', () => {
  it('is refused with all of them', () => {
    const other = errorOf(parseClientEvent(item({ type: 'mcp_call' }), parley));
    expect(other.message).toContain("'message', 'function_call', 'function_call_output'");
    const choice = { type: 'session.update', session: { type: 'realtime', tool_choice: 'any' } };
    const { message } = errorOf(parseClientEvent(choice, parley));
    expect(message).toContain("'auto', 'none', 'required'");
  });
});

describe('the echo of event_id', () => {
  const eventIdOf = (event: object): string | undefined => {
    const parsed = parseClientEvent(event, parley);
    if (parsed.ok) throw new Error('accepted');
    return parsed.eventId;
  };

  it('is there whatever else is wrong with the event', () => {
    expect(eventIdOf({ type: 'nothing', event_id: 'e1' })).toBe('e1');
    expect(eventIdOf({ event_id: 'e2' })).toBe('e2');
    expect(eventIdOf({ type: 'session.update', event_id: 'e3' })).toBe('e3');
  });

  it('is left out when the id itself is unusable', () => {
    expect(eventIdOf({ type: 'nothing', event_id: 7 })).toBeUndefined();
    expect(eventIdOf({ type: 'nothing', event_id: 'e'.repeat(65) })).toBeUndefined();
    expect(eventIdOf({ type: 'nothing', event_id: 'a\0' })).toBeUndefined();
    expect(eventIdOf({ type: 'nothing' })).toBeUndefined();
  });
});

describe('text of a client', () => {
  it('has NUL and halves of surrogate pairs replaced, and keeps whole pairs', () => {
    const parsed = parseClientText(
      '{"type":"parley.transcript.final","text":"a\\u0000b \\ud83d\\ude00 \\ud83d c \\ude00"}',
      parley,
    );
    expect(parsed).toMatchObject({ ok: true, event: { text: 'a\uFFFDb \u{1F600} \uFFFD c \uFFFD' } });
  });
});

describe('keys that name the prototype', () => {
  it('are unknown fields like any other', () => {
    const error = errorOf(parseClientText('{"type":"parley.ping","__proto__":{"polluted":1}}', parley));
    expect(error).toMatchObject({ code: 'unknown_parameter', param: '__proto__' });
    const nested = '{"type":"session.update","session":{"type":"realtime","__proto__":{"instructions":"x"}}}';
    expect(errorOf(parseClientText(nested, parley))).toMatchObject({
      code: 'unknown_parameter',
      param: 'session.__proto__',
    });
  });

  it('are harmless in metadata, where any key is allowed', () => {
    const text = '{"type":"response.create","response":{"metadata":{"__proto__":"x","constructor":"y"}}}';
    const parsed = parseClientText(text, parley);
    expect(parsed.ok).toBe(true);
    if (parsed.ok && parsed.event.type === 'response.create') {
      const metadata = parsed.event.response?.metadata ?? {};
      expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
      expect(Object.entries(metadata)).toEqual([['constructor', 'y']]);
    }
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('do not stand in for fields that the client did not send', () => {
    const event: unknown = Object.create({ type: 'parley.ping' });
    expect(errorOf(parseClientEvent(event, parley))).toMatchObject({
      code: 'missing_required_parameter',
      param: 'type',
    });
  });
});
