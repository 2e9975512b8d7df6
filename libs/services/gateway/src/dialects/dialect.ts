import type { ClientEventBody } from '@parley/model';
import { isRecord, type ParsedClientEvent } from '@parley/schemas';

/** Names and shapes of the events of one connection, chosen by its upgrade. Behind it there are those of the GA API alone. */
export interface Dialect {
  /** What the events are called that carry the voice. */
  readonly audioDelta: string;
  /** Reads one text frame of the client. */
  read(text: string): ParsedClientEvent;
  /** An event as this client knows it; undefined where there is none of the kind. */
  told(event: ClientEventBody): ClientEventBody | undefined;
}

/**
 * What only clients of `parley.v1` are told: that an answer goes on without a voice is an error that nobody's event caused,
 * and such a one ends many clients of the Realtime API (openai-realtime.md §6.4).
 */
export const isParleysOwn = ({ type, error }: ClientEventBody): boolean =>
  type.startsWith('parley.') || (type === 'error' && isRecord(error) && error['code'] === 'tts_unavailable');
