import { errorOf, realtime } from './client-event.fixture';
import { parseClientEvent, parseClientText } from './client-event-parser';

describe('a session or a response of which much is said', () => {
  const MAX_BYTES = 262_144;
  /** As text, so that numbers stand as a client writes them. */
  const updateOf = (fields: string): string =>
    `{"type":"session.update","event_id":"mine","session":{"type":"realtime",${fields}}}`;
  const toolsOf = (parameters: string): string =>
    updateOf(`"tools":[{"type":"function","name":"f","parameters":${parameters}}]`);
  const responseOf = (text: string, times: number): object => ({
    type: 'response.create',
    response: {
      input: Array.from({ length: times }, () => ({
        ...{ type: 'message', role: 'user', content: [{ type: 'input_text', text }] },
      })),
    },
  });
  const refusalOf = (what: string, param: string) => ({
    ...{ type: 'invalid_request_error', code: 'invalid_value', param },
    message: `Invalid value for '${param}': the largest part of a ${what}, which must be at most 262144 bytes of JSON.`,
  });

  it('is taken up to the byte, and refused by the name of its largest part', () => {
    const empty = Buffer.byteLength(JSON.stringify(JSON.parse(toolsOf('{"a":""}')).session));
    const text = 'x'.repeat(MAX_BYTES - empty);
    expect(parseClientText(toolsOf(`{"a":"${text}"}`), realtime).ok).toBe(true);
    const parsed = parseClientText(toolsOf(`{"a":"${text}x"}`), realtime);
    expect(parsed).toEqual({ ok: false, error: refusalOf('session', 'session.tools'), eventId: 'mine' });
  });

  it('counts as it is written out again: numbers grow, and a character takes several bytes', () => {
    const numbers = `{"a":[${Array.from({ length: 15_000 }, () => '1e20').join()}]}`;
    expect(numbers.length).toBeLessThan(MAX_BYTES / 3);
    expect(errorOf(parseClientText(toolsOf(numbers), realtime))).toEqual(refusalOf('session', 'session.tools'));
    expect(parseClientEvent(responseOf('語'.repeat(30_000), 2), realtime).ok).toBe(true);
    const error = errorOf(parseClientEvent(responseOf('語'.repeat(30_000), 3), realtime));
    expect(error).toEqual(refusalOf('response', 'response.input'));
  });

  it.each([
    ['parameters of a tool', (deep: string) => toolsOf(`{"a":${deep}}`)],
    ['variables of a prompt', (deep: string) => updateOf(`"prompt":{"id":"p","variables":{"a":${deep}}}`)],
    ['metadata of tracing', (deep: string) => updateOf(`"tracing":{"metadata":{"a":${deep}}}`)],
    ['what is ignored', (deep: string) => updateOf(`"reasoning":{"a":${deep}}`)],
  ])('is refused where it is nested deeper than JSON can be written again: %s', (_what, textOf) => {
    const nested = (levels: number): string => textOf('['.repeat(levels) + ']'.repeat(levels));
    const error = errorOf(parseClientText(nested(200_000), realtime));
    const message = "Invalid 'session': nested more than 64 levels deep.";
    expect(error).toEqual({ type: 'invalid_request_error', code: 'invalid_value', param: 'session', message });
    expect(parseClientText(nested(50), realtime).ok).toBe(true);
  });
});
