import type { LogPort } from '@parley/ports';
import { fieldsOf } from '../support/fields';
import type { Observation, WireEvent } from './checker/observation';

const TEXT_CHARS = 70;

/** One line of a timeline that a person can read; undefined for what only counts time. */
export function describe(observation: Observation): string | undefined {
  const told = tell(observation);
  return told === undefined ? undefined : `${(observation.atMs / 1000).toFixed(4).padStart(9)} s  ${told}`;
}

function tell(observation: Observation): string | undefined {
  switch (observation.kind) {
    case 'connected':
      return `${observation.connection} connected (${observation.habit}${observation.parley ? '' : ', Realtime API'})`;
    case 'sent':
      return `${observation.connection} → ${summary(observation.event)}`;
    case 'received':
      return `${observation.connection} ← ${summary(observation.event)}`;
    case 'audio': {
      const { connection, responseId, segment, firstSample, samples, last, sound } = observation;
      const from =
        samples > 0 && sound?.sampleIndex !== firstSample ? ` (sample ${sound?.sampleIndex ?? 'of nothing'})` : '';
      const place = `${segment ?? '-'}:${firstSample}+${samples}${last ? ' last' : ''}`;
      return `${connection} ← audio ${short(responseId)} ${place}${from}`;
    }
    case 'closed':
      return `${observation.connection} closed with ${observation.code} by the ${observation.by}`;
    case 'said-again':
      return `${observation.connection} → again ${summary(observation.event)}`;
    case 'back':
      return `${observation.connection} back, over ${observation.gateway}, with ${JSON.stringify(observation.received)}`;
    case 'lost':
    case 'vanished':
    case 'slowed':
    case 'caught-up':
      return `${observation.connection} ${observation.kind}`;
    case 'asked':
      return (
        `model call ${observation.call} by ${observation.process}: ` +
        observation.messages.map(({ role, content }) => `${role} "${clip(content)}"`).join(', ') +
        (observation.continues === null ? '' : `, to continue "${observation.continues}"`)
      );
    case 'answered':
      return `model call ${observation.call}: ${observation.what}`;
    case 'hung-up':
      return `model call ${observation.call} hung up`;
    case 'spoke':
      return `voice of ${observation.process}: "${clip(observation.text)}" (${observation.ends ?? 'no'} samples)`;
    case 'stored':
      return `stored by ${observation.process} ${observation.sessionId.slice(0, 10)} (${observation.epoch}, ${observation.rev})`;
    case 'fault':
      return `*** ${observation.fault} ${observation.phase}`;
    case 'settled':
      return 'settled';
    case 'passed':
      return undefined;
  }
}

function summary(event: WireEvent): string {
  const { type, event_id: id, ...fields } = event;
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (['output_index', 'content_index', 'object', 'visemes', 'session', 'capabilities'].includes(name)) continue;
    const { id: innerId, status } = fieldsOf(value);
    if (typeof innerId === 'string')
      parts.push(
        `${name} ${short(innerId)} ${String(status)} ${clip(JSON.stringify(fieldsOf(value)['content'] ?? ''))}`,
      );
    else parts.push(`${name}=${clip(typeof value === 'string' ? short(value) : JSON.stringify(value))}`);
  }
  return `${type} [${String(id)}] ${parts.join(' ')}`;
}

const clip = (text: string): string => (text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text);
/** Long ids by their beginning, which is enough to tell them apart. */
const short = (text: string): string => text.replace(/\b(resp|item|sess|conv)_([0-9a-f]{5})[0-9a-f]+/g, '$1_$2');

/** What the services log, among the lines of the timeline. */
export function describeLog(print: (line: string) => void): LogPort {
  const at =
    (level: string) =>
    (message: string, fields: object = {}): void =>
      print(
        `${level.padStart(11)}  ${message} ${short(JSON.stringify(fields, (_name, value: unknown) => (value instanceof Error ? value.stack : value)))}`,
      );
  const log: LogPort = { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}
