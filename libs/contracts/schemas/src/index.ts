export * from './bus-schemas';
export * from './client-event-parser';
export * from './client-limits';
export * from './envelope';
export { incarnation, responseId, sessionId } from './id-schemas';
export { ownerOutput, toolCall } from './owner-output-schemas';
export * from './resume-query';
export { sessionSettings } from './session-settings-schemas';
export { sessionPolicyPatch, toolChoice, toolDefinition } from './session-input-schemas';
