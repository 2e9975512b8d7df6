/** What one process takes on. More of them share the work; none is meant to be reached by a process that can cope. */

/** A core carries about a thousand conversations (platform measurements); beyond that latency suffers before memory does. */
export const MAX_CONNECTIONS = 4_000;
export const MAX_SESSIONS = 4_000;
/** Responses that one voice worker speaks at once. */
export const MAX_VOICE_JOBS = 2_000;
