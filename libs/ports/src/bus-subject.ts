import { InvariantError } from '@parley/model';

/** Far under the protocol's 4,096 bytes for a command, also with a reply subject beside it and four bytes a character. */
const MAX_SUBJECT_CHARS = 400;

const LITERAL = /^[^\s.*>]+(?:\.[^\s.*>]+)*$/;
const PATTERN = /^(?:(?:[^\s.*>]+|\*)(?:\.(?:[^\s.*>]+|\*))*(?:\.>)?|>)$/;
const QUEUE = /^[^\s]+$/;

/** What every adapter of the bus refuses in the same way. Throws InvariantError for an empty token, a space or a wildcard. */
export function checkLiteralSubject(subject: string): void {
  if (subject.length > MAX_SUBJECT_CHARS || !LITERAL.test(subject)) {
    throw new InvariantError(`malformed subject to publish on: ${JSON.stringify(subject)}`);
  }
}

/** The same for subscriptions, where `*` may stand for a token and a final `>` for the rest. */
export function checkSubjectPattern(pattern: string, queue: string | undefined): void {
  if (pattern.length > MAX_SUBJECT_CHARS || !PATTERN.test(pattern)) {
    throw new InvariantError(`malformed subject to subscribe to: ${JSON.stringify(pattern)}`);
  }
  if (queue !== undefined && (queue.length > MAX_SUBJECT_CHARS || !QUEUE.test(queue))) {
    throw new InvariantError(`malformed queue group: ${JSON.stringify(queue)}`);
  }
}

/** Throws InvariantError for a payload that no server would take. */
export function checkPayloadSize(payload: Uint8Array, maxPayloadBytes: number): void {
  if (payload.byteLength > maxPayloadBytes) {
    throw new InvariantError(`a payload of ${payload.byteLength} bytes is over the bus's limit of ${maxPayloadBytes}`);
  }
}
