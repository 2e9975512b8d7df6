/** Limits of what a client may send; lengths in UTF-16 units. Metadata as in the Realtime API. */
export const CLIENT_LIMITS = {
  textChars: 32_768,
  idChars: 64,
  backchannels: 64,
  /** A longer wait of a policy is a mistake in its unit. */
  policyWaitMs: 10_000,
  awayAfterMs: 3_600_000,
  minWords: 20,
  /** Names of models, languages, workflows and the like. */
  settingChars: 256,
  /** As long as any user may be silent. */
  detectionWaitMs: 60_000,
  included: 16,
  tools: 128,
  /** Items that a response is given in place of the conversation. */
  inputItems: 512,
  outputTokens: 4_096,
  toolNameChars: 64,
  /** Of `received`: what a client may not have finished with, and the segments of one answer. */
  receivedResponses: 32,
  receivedSegments: 4_096,
  metadataKeys: 16,
  metadataKeyChars: 64,
  metadataValueChars: 512,
  /** Of objects and lists within one another. What writes JSON goes as deep as its stack: far more would end the process. */
  levels: 64,
} as const;
