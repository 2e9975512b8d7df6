import { lastUserText } from './chat-body';
import type { ChatMessage } from './chat-body';

/**
 * What the fake says when nobody told it what to say: several sentences that quote the user, so that a test can tell whose
 * answer it hears, and the same ones every time.
 */
export function defaultChatText(messages: readonly ChatMessage[]): string {
  const said = lastUserText(messages).trim().replace(/\s+/gu, ' ');
  if (said === '') return 'I did not hear anything. Please say that again.';
  const words = said.split(' ').length;
  const sentence = /[.!?]$/u.test(said) ? said : `${said}.`;
  return `You said: ${sentence} That makes ${words} ${words === 1 ? 'word' : 'words'}. What would you like to know next?`;
}
