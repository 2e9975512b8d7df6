import type { ClientEventBody } from '@parley/model';
import type { ParsedClientEvent } from '@parley/schemas';

/** Names and shapes of the events of one connection, chosen by its upgrade. Behind it there are those of the GA API alone. */
export interface Dialect {
  /** What the events are called that carry the voice. */
  readonly audioDelta: string;
  /** Reads one text frame of the client. */
  read(text: string): ParsedClientEvent;
  /** An event as this client knows it; undefined where there is none of the kind. */
  told(event: ClientEventBody): ClientEventBody | undefined;
}
