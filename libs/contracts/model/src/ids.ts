/**
 * Identity (design §3). A prefix tells a reader of a log what it is looking at; the random part makes it unique.
 * The numbers (attachment, seq, ordinal, epoch, attempt) are what fences judge by, never arrival time.
 */
export type SessionId = `sess_${string}`;
export type ResponseId = `resp_${string}`;
export type ItemId = string;
export type TurnId = string;
/** One run of one process; a restarted process is another incarnation, so a lease can never be mistaken for its successor's. */
export type Incarnation = `${'gw' | 'orc' | 'tts' | 'ava'}_${string}`;
export type WorkerId = Incarnation;

/** The conversation's own lane; out-of-band responses get lanes of their own. No ordinal is used twice, on any lane. */
export const CONVERSATION_LANE = 0;

export const isSessionId = (value: string): value is SessionId => value.startsWith('sess_') && value.length > 5;
export const isResponseId = (value: string): value is ResponseId => value.startsWith('resp_') && value.length > 5;

/** A durable client input is known by its connection and its number on that connection. */
export interface InputNumber {
  attachment: number;
  seq: number;
}
