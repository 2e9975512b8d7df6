/** Limits of what a client may send; lengths in UTF-16 units. Metadata as in the Realtime API. */
export const CLIENT_LIMITS = {
  textChars: 32_768,
  idChars: 64,
  metadataKeys: 16,
  metadataKeyChars: 64,
  metadataValueChars: 512,
} as const;
