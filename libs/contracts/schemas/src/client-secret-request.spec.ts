import { parseSecretRequest } from './client-secret-request';

const parse = (body: unknown) => parseSecretRequest(JSON.stringify(body));
const session = { type: 'realtime', model: 'm', audio: { output: { voice: 'marin' } } };

describe('a request for a client secret', () => {
  it('is what the official client sends, and every part of it may be left out', () => {
    expect(parse({ expires_after: { anchor: 'created_at', seconds: 60 }, session })).toEqual({
      ok: true,
      lifeS: 60,
      session,
    });
    for (const text of ['', '{}', '{"expires_after":{}}', '{"expires_after":{"anchor":"created_at"}}']) {
      expect(parseSecretRequest(text)).toEqual({ ok: true, lifeS: 600, session: undefined });
    }
  });

  it.each([10, 7_200])('may ask for %d s', (seconds) => {
    expect(parse({ expires_after: { seconds } })).toMatchObject({ ok: true, lifeS: seconds });
  });

  it.each<[unknown, string, string | null]>([
    [{ expires_after: { seconds: 9 } }, 'invalid_value', 'expires_after.seconds'],
    [{ expires_after: { seconds: 7_201 } }, 'invalid_value', 'expires_after.seconds'],
    [{ expires_after: { seconds: 60.5 } }, 'invalid_value', 'expires_after.seconds'],
    [{ expires_after: { seconds: '60' } }, 'invalid_value', 'expires_after.seconds'],
    [{ expires_after: { anchor: 'now' } }, 'invalid_value', 'expires_after.anchor'],
    [{ expires_after: null }, 'invalid_value', 'expires_after'],
    [{ expires_in: 60 }, 'unknown_parameter', 'expires_in'],
    [{ session: { model: 'm' } }, 'missing_required_parameter', 'session.type'],
    [{ session: { ...session, type: 'transcription' } }, 'invalid_value', 'session.type'],
    [{ session: { ...session, temperature: 0.8 } }, 'unknown_parameter', 'session.temperature'],
    [{ session: { ...session, instructions: 'x'.repeat(32_769) } }, 'string_above_max_length', 'session.instructions'],
    [{ session: { ...session, audio: { output: { voice: 7 } } } }, 'invalid_value', 'session.audio.output.voice'],
    [[], 'invalid_json', null],
    [null, 'invalid_json', null],
  ])('is refused by the name of the field: %j', (body, code, param) => {
    expect(parse(body)).toMatchObject({ ok: false, error: { type: 'invalid_request_error', code, param } });
  });

  it('is refused where no session may say so much, or so deep', () => {
    const withTool = (parameters: string): string =>
      `{"session":{"type":"realtime","tools":[{"type":"function","name":"f","parameters":{"a":${parameters}}}]}}`;
    const large = parseSecretRequest(withTool(`"${'x'.repeat(262_144)}"`));
    expect(large).toMatchObject({ ok: false, error: { code: 'invalid_value', param: 'session.tools' } });
    const deep = parseSecretRequest(withTool('['.repeat(100_000) + ']'.repeat(100_000)));
    expect(deep).toMatchObject({ ok: false, error: { code: 'invalid_value', param: 'session' } });
  });

  it('that is not JSON is refused without a word of it', () => {
    const parsed = parseSecretRequest('{"secret": sk-123');
    expect(parsed).toMatchObject({ ok: false, error: { code: 'invalid_json', param: null } });
    expect(JSON.stringify(parsed)).not.toContain('sk-123');
  });
});
