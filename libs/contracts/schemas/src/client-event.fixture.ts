import { InvariantError, type ClientError, type ErrorCode } from '@parley/model';
import { parseClientText, type ParsedClientEvent } from './client-event-parser';

/** What a connection may send: with Parley's own events, or those of the API alone. */
export const parley = { parley: true };
export const realtime = { parley: false };

/** One more than any text and any id may have. */
export const LONG_TEXT = 'a'.repeat(32_769);
export const LONG_ID = 'i'.repeat(65);

export const item = (over: object = {}): object => ({
  type: 'conversation.item.create',
  item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'hello' }], ...over },
});
export const part = (type: string, text: unknown = 'x'): object => ({ type, text });
export const session = (value: unknown): object => ({ type: 'session.update', session: value });
export const response = (value: unknown): object => ({ type: 'response.create', response: value });
export const without = (event: object, key: string): object =>
  Object.fromEntries(Object.entries(event).filter(([name]) => name !== key));

export const errorOf = (parsed: ParsedClientEvent): ClientError => {
  if (parsed.ok) throw new InvariantError(`accepted: ${JSON.stringify(parsed.event)}`);
  return parsed.error;
};

/** What it is, the event, and the code and the field of its error. */
export type Refusal = [what: string, event: unknown, code: ErrorCode, param: string | null];

/** What is said of an event that is refused, in words too. Through JSON, as on the wire: `undefined` fields are absent. */
export function refusalOf(event: unknown): ClientError {
  const error = errorOf(parseClientText(JSON.stringify(event), parley));
  if (error.message === '') throw new InvariantError('refused without a word');
  return error;
}
