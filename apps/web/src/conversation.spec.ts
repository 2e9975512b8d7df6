import {
  splitHeard,
  withAccepted,
  withDone,
  withInterrupted,
  withAllLost,
  withLost,
  withNewSession,
  withRefused,
  withText,
  withTurn,
} from './conversation';
import type { Answer, Conversation } from './conversation';

const started = (): Conversation => withAccepted(withTurn([], 't1', 'Hi'), 't1', 'resp_1');

const answerOf = (conversation: Conversation): Answer | undefined => {
  const [entry] = conversation;
  return entry?.kind === 'turn' ? entry.answer : undefined;
};

describe('splitHeard', () => {
  it.each([
    ['One two three', 'One two', 'One two ', 'three'],
    ['One two', '', '', 'One two'],
    ['One two', 'One two', 'One two', ''],
    ['One\n two three', 'One two', 'One\n two ', 'three'],
    ['One two', 'One two three', 'One two three', ''],
    ['One two', 'Something else', 'Something else', ''],
    ['👋 Hello there', '👋 Hello', '👋 Hello ', 'there'],
  ])('%j of which %j was heard', (text, heardText, heard, unheard) => {
    expect(splitHeard(text, heardText)).toEqual({ heard, unheard });
  });
});

describe('a conversation', () => {
  it('streams the text into the answer of its turn', () => {
    let conversation = withAccepted(withTurn(started(), 't2', 'More'), 't2', 'resp_2');
    conversation = withText(withText(conversation, 'resp_1', 'Good '), 'resp_1', 'day');
    expect(answerOf(conversation)?.text).toBe('Good day');
    expect(conversation[1]).toMatchObject({ answer: { text: '' } });
  });

  it('leaves a cancelled answer open until the server says what was heard', () => {
    const cancelled = withDone(started(), 'resp_1', 'cancelled', 'client_cancelled');
    expect(answerOf(cancelled)?.outcome).toEqual({ kind: 'running' });
    expect(answerOf(withInterrupted(cancelled, 'resp_1', 'Go'))?.outcome).toEqual({
      kind: 'interrupted',
      heardText: 'Go',
    });
  });

  it('marks a tail that was interrupted after it was completed', () => {
    const conversation = withInterrupted(withDone(started(), 'resp_1', 'completed', null), 'resp_1', 'Go');
    expect(answerOf(conversation)?.outcome.kind).toBe('interrupted');
  });

  it('says why an answer failed', () => {
    expect(answerOf(withDone(started(), 'resp_1', 'failed', 'no model'))?.outcome).toEqual({
      kind: 'stopped',
      reason: 'no model',
    });
  });

  it('shows the text of an answer whose turn the page has not seen', () => {
    const conversation = withText(withText(started(), 'resp_9', 'and '), 'resp_9', 'so on');
    expect(conversation.slice(1)).toMatchObject([{ text: undefined, answer: { text: 'and so on' } }]);
  });

  it('says of lost turns that no answer comes, and of no other one', () => {
    const conversation = withTurn(withTurn(started(), 't2', 'x'), 't3', 'y');
    expect(withLost(conversation, ['t1', 't3'])).toMatchObject([
      { answer: { outcome: { kind: 'stopped', reason: 'The connection was lost.' } } },
      { refusal: undefined },
      { refusal: 'The connection was lost.' },
    ]);
  });

  it('after a lost connection, leaves what was complete and stops what was not', () => {
    const conversation = withAllLost(
      withTurn(
        withAccepted(withTurn(withDone(started(), 'resp_1', 'completed', null), 't2', 'x'), 't2', 'resp_2'),
        't3',
        'y',
      ),
    );
    expect(conversation).toMatchObject([
      { answer: { outcome: { kind: 'completed' } } },
      { answer: { outcome: { kind: 'stopped' } } },
      { answer: undefined, refusal: 'The connection was lost.' },
    ]);
  });

  it('keeps the reason of a refused turn', () => {
    expect(withAllLost(withRefused(withTurn([], 't1', 'Hi'), 't1', 'busy'))).toMatchObject([{ refusal: 'busy' }]);
  });

  it('is divided by a new session only when there is something above', () => {
    expect(withNewSession([])).toEqual([]);
    expect(withNewSession(started())).toHaveLength(2);
  });
});
