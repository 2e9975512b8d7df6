import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ConnectionJudge } from './connection-judge';
import type { EventSchemas } from './event-schemas';
import { fieldsOf, type Fields } from '../support/fields';
import { responseIdOf, type RealtimeEvent } from './realtime-event';
import type { SecureServer } from './secure-servers';

/** What a client's program says of one scenario (clients/program.mjs). */
export interface Played {
  scenario: string;
  /** Why it did not come to its end; null when it did. */
  failure: string | null;
  /** What the client handed to its application. */
  told: { audioBytes: number; answers: string[]; errors: string[] };
  /** Everything that passed its socket, in order. */
  wire: ({ sent: RealtimeEvent } | { received: RealtimeEvent })[];
}

/** Runs the program of a client to its end. It trusts the server for its certificate, by NODE_EXTRA_CA_CERTS alone. */
export async function playClient(client: string, { url, certificate }: SecureServer): Promise<Map<string, Played>> {
  const child = spawn(process.execPath, [join(__dirname, 'clients', `${client}.mjs`), url], {
    env: { PATH: process.env['PATH'] ?? '', NODE_EXTRA_CA_CERTS: certificate },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const played = new Map<string, Played>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const report = JSON.parse(line) as Played;
    played.set(report.scenario, report);
  });
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => (complaints += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${client} ended with ${code} after ${played.size} scenarios\n${complaints}`);
  return played;
}

export const receivedBy = ({ wire }: Played): RealtimeEvent[] =>
  wire.flatMap((passed) => ('received' in passed ? [passed.received] : []));

export const sentBy = ({ wire }: Played): RealtimeEvent[] =>
  wire.flatMap((passed) => ('sent' in passed ? [passed.sent] : []));

/** What is wrong with what the server sent, by the API and by the strictest clients. */
export function faultsIn({ wire }: Played, schemas: EventSchemas): string[] {
  const judge = new ConnectionJudge(schemas, 'realtime');
  const faults = wire.flatMap((passed) => {
    if ('received' in passed) return judge.receive(passed.received);
    judge.send(passed.sent);
    return [];
  });
  return [...faults, ...judge.unfinished().map((id) => `${id} never ended`)];
}

/** A response as it came over the wire. */
export interface Answer {
  response: Fields;
  texts: string[];
  audio: Buffer;
}

export function answersIn(played: Played): Answer[] {
  const events = receivedBy(played);
  const ofType = (id: unknown, type: string): string[] =>
    events.filter((event) => event.type === type && responseIdOf(event) === id).map(({ delta }) => String(delta));
  return events
    .filter(({ type }) => type === 'response.done')
    .map((event) => {
      const response = fieldsOf(event['response']);
      const { id } = response;
      const audio = ofType(id, 'response.output_audio.delta').map((delta) => Buffer.from(delta, 'base64'));
      const texts = [
        ...ofType(id, 'response.output_audio_transcript.delta'),
        ...ofType(id, 'response.output_text.delta'),
      ];
      return { response, texts, audio: Buffer.concat(audio) };
    });
}
