import { INTERRUPTION_MARK } from '@parley/model';
import type { ChatMessage } from '@parley/ports';
import { FIRST_SAMPLES_PER_CHARACTER } from '@parley/speech-text';
import { demoAnswer } from './demo-answer';

const user = (content: string): ChatMessage => ({ role: 'user', content });
const agent = (content: string): ChatMessage => ({ role: 'assistant', content });

describe('the demo', () => {
  it('greets', () => {
    expect(demoAnswer([user('hello')])).toMatch(/^Hello\./);
    expect(demoAnswer([user('Hi, my name is Anna.'), agent('Nice to meet you.'), user('Hey!')])).toMatch(
      /^Hello, Anna\./,
    );
  });

  it('speaks first when the user has said nothing', () => {
    expect(demoAnswer([])).toMatch(/^Hello/);
    expect(demoAnswer([{ role: 'system', content: 'Be brief.' }, user('  ')])).toMatch(/^Hello/);
  });

  it('remembers the name it was told last', () => {
    expect(demoAnswer([user('my name is anna')])).toContain('Anna');
    const history = [user('My name is Anna.'), agent('Hello.'), user('No, call me Jo-Ann.'), agent('Sure.')];
    expect(demoAnswer([...history, user('What is my name?')])).toContain('Jo-Ann');
    expect(demoAnswer([user('What’s the matter?'), agent('?'), user('what is my name')])).toContain('not told me');
  });

  it('does not take a name from its own words', () => {
    expect(demoAnswer([agent('My name is Parley.'), user('Do you know my name?')])).toContain('not told me');
  });

  it('tells a story of at least 20 sentences and a minute of speech', () => {
    for (const wish of ['Tell me a story', 'please say something long', 'Could you talk a bit more?']) {
      const story = demoAnswer([user(wish)]);
      expect(story.match(/[.!?](\s|$)/g)?.length).toBeGreaterThanOrEqual(20);
      expect((story.length * FIRST_SAMPLES_PER_CHARACTER) / 24_000).toBeGreaterThan(60);
    }
  });

  it('says that it was interrupted, and after which words', () => {
    const history = [user('Tell me a story'), agent(`For many years no ship had come close,${INTERRUPTION_MARK}`)];
    expect(demoAnswer([...history, user('Thanks.')])).toBe(
      'You interrupted me; the last you heard was: no ship had come close. You are welcome. It was a pleasure to talk.',
    );
  });

  it('says nothing of an interruption before the previous answer', () => {
    const history = [user('A story'), agent(`Here${INTERRUPTION_MARK}`), user('Hi'), agent('Hello.'), user('Thanks.')];
    expect(demoAnswer(history)).not.toContain('interrupted');
  });

  it('says how to connect a real model when it has no answer', () => {
    const answer = demoAnswer([user('What is the capital of France?')]);
    expect(answer).toContain('What is the capital of France?');
    expect(answer).toContain('OPENAI_API_KEY');
    expect(answer).toContain('OPENAI_BASE_URL');
  });

  it('asks what is next when the user has been answered', () => {
    const messages = [user('Tell me a story')];
    expect(demoAnswer([...messages, agent(demoAnswer(messages))])).toContain('next');
  });
});
