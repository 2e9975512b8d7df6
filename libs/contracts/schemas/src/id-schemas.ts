import { isResponseId, isSessionId, type Incarnation, type ResponseId, type SessionId } from '@parley/model';
import { z } from 'zod';

const INCARNATION = /^(gw|orc|tts|ava)_./;
const isIncarnation = (value: string): value is Incarnation => INCARNATION.test(value);

/** Ids as our own processes make them. `z.custom` instead of a template literal: a prefix test costs no regular expression. */
export const sessionId = z.custom<SessionId>(
  (value) => typeof value === 'string' && isSessionId(value),
  'expected a session id',
);
export const responseId = z.custom<ResponseId>(
  (value) => typeof value === 'string' && isResponseId(value),
  'expected a response id',
);
export const incarnation = z.custom<Incarnation>(
  (value) => typeof value === 'string' && isIncarnation(value),
  'expected an incarnation',
);

/** Counts and indexes: whole and not negative. */
export const count = z.int().min(0);
/** An ordinal, or what stands for "none yet" below the first one. */
export const ordinal = z.int();
/** A position or a length of time, with fractions. */
export const milliseconds = z.number().min(0);
