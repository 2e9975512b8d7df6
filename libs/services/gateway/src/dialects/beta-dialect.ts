import type { ClientEventBody } from '@parley/model';
import { isRecord, parseClientEvent, parseClientText, refusedEvent, type ParsedClientEvent } from '@parley/schemas';
import { gaEventOf } from './beta-client-events';
import { betaEventOf } from './beta-server-events';
import type { Dialect } from './dialect';

/** Of a session that names none, as that API says. */
const DEFAULT_TEMPERATURE = 0.8;
const GA = { parley: false };

/** The API as it was before GA, for clients that ask for it: a translation at the edge, nothing behind it knows. */
export class BetaDialect implements Dialect {
  readonly audioDelta = 'response.audio.delta';
  /** Accepted and echoed, without an effect: GA has none. */
  private temperature = DEFAULT_TEMPERATURE;

  read(text: string): ParsedClientEvent {
    const event = recordIn(text);
    if (!event) return parseClientText(text, GA);
    // GA has no ping; that of `parley.v1` is the same.
    if (event['type'] === 'ping') return parseClientEvent({ ...event, type: 'parley.ping' }, { parley: true });
    const translated = gaEventOf(event);
    if (!translated.ok) return refusedEvent(event, translated.error);
    const parsed = parseClientEvent(translated.event, GA);
    if (parsed.ok && parsed.event.type === 'session.update') this.keepTemperature(event['session']);
    return parsed;
  }

  told(event: ClientEventBody): ClientEventBody | undefined {
    return betaEventOf(event, this.temperature);
  }

  private keepTemperature(session: unknown): void {
    const temperature = isRecord(session) ? session['temperature'] : undefined;
    if (typeof temperature === 'number') this.temperature = temperature;
  }
}

/** Undefined for what is no event in any dialect. */
function recordIn(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isRecord(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
