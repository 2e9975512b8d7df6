export { startFakeProviders } from './fake-providers';
export type { FakeProviders, FakeProvidersOptions } from './fake-providers';
export type { RecordedChat, RecordedRequest, RecordedSpeech, RequestOutcome } from './request-log';
export type {
  AnswerContent,
  AnswerText,
  ChatAnswer,
  ChatBehaviour,
  ChatCut,
  ChatEmpty,
  ChatGarbage,
  ChatHtml,
  ChatStall,
  ChatUsage,
  StatusBehaviour,
  TokenPace,
} from './chat-behaviour';
export type {
  SpeechBehaviour,
  SpeechCut,
  SpeechEmpty,
  SpeechGarbage,
  SpeechStall,
  SpeechVoice,
  VoiceSettings,
} from './speech-behaviour';
export type { ContinuationHabit, PrefillDialect } from './continuation';
export { lastUserText, messageText } from './chat-body';
export type { ChatBody, ChatContentPart, ChatMessage, ChatTool, ChatToolCall } from './chat-body';
export type { AnswerToolCall, ToolCallShape } from './tool-call-shapes';
export type { SpeechBody } from './speech-body';
export { defaultChatText } from './default-answer';
export { fnv1a32 } from './fnv1a';
export { indexedSampleAt, readIndexedSamples } from './indexed-pcm';
export type { IndexedPosition } from './indexed-pcm';
export { DEFAULT_SAMPLES_PER_CHARACTER, SAMPLE_RATE_HZ, defaultToneHz, voiceSamples } from './voice-pcm';
