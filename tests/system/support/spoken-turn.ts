import { fieldsOf, type Fields } from './fields';
import type { TestClient, WireEvent } from './test-client';

export interface SpokenResponse {
  responseId: string;
  /** As `response.done` says it. */
  status: string;
  /** `status_details.error.code` of a response that failed. */
  errorCode: string | undefined;
  /** Codes of the `error` events that came meanwhile. */
  errors: string[];
  /** One entry for each segment. */
  texts: string[];
  samples: number;
  /** From sending to `response.done`. */
  tookMs: number;
}

export const errorOf = (event: WireEvent | undefined): Fields => fieldsOf(event?.['error']);

let turns = 0;

export interface SpokenTurn extends SpokenResponse {
  turnId: string;
}

/** A whole turn of a `parley.v1` client, from the transcript to `response.done`. */
export async function speakTurn(client: TestClient, text: string, timeoutMs = 10_000): Promise<SpokenTurn> {
  const from = client.arrivals.length;
  const startedMs = performance.now();
  const turnId = `turn ${++turns}`;
  client.send({ type: 'parley.transcript.final', turn_id: turnId, text });
  const accepted = await client.waitFor(
    `acceptance of "${text}"`,
    (event) => event.type === 'parley.turn.accepted' && event['turn_id'] === turnId,
    timeoutMs,
    from,
  );
  const turn = await finishTurn(client, String(accepted['response_id']), { from, startedMs, timeoutMs });
  return { ...turn, turnId };
}

/** Waits for the end of a response that has begun. */
export async function finishTurn(
  client: TestClient,
  responseId: string,
  { from, startedMs, timeoutMs = 10_000 }: { from: number; startedMs: number; timeoutMs?: number },
): Promise<SpokenResponse> {
  const done = await client.waitFor(
    `response.done of ${responseId}`,
    (event) => event.type === 'response.done' && fieldsOf(event['response'])['id'] === responseId,
    timeoutMs,
    from,
  );
  const response = fieldsOf(done['response']);
  const code = fieldsOf(fieldsOf(response['status_details'])['error'])['code'];
  const events = client.eventsFrom(from);
  return {
    responseId,
    status: String(response['status']),
    errorCode: code === undefined ? undefined : String(code),
    errors: events.filter((event) => event.type === 'error').map((event) => String(errorOf(event)['code'])),
    texts: textsOf(client, responseId),
    samples: client.receivedSamples(responseId),
    tookMs: performance.now() - startedMs,
  };
}

/** The transcript, segment by segment. */
export const textsOf = (client: TestClient, responseId: string): string[] =>
  client
    .events()
    .filter((event) => event.type === 'response.output_audio_transcript.delta' && event['response_id'] === responseId)
    .map((event) => String(event['delta']));
