import { describeProblem, type Problem } from './problems';

it.each<[Problem, string]>([
  [
    { kind: 'missing', epoch: 2, from: 4, to: 4 },
    'epoch 2: step 4 is missing; what follows in this epoch cannot be judged',
  ],
  [
    { kind: 'missing', epoch: 2, from: 4, to: 9 },
    'epoch 2: steps 4 to 9 are missing (6); what follows in this epoch cannot be judged',
  ],
  [
    { kind: 'differs', epoch: 2, step: 4, recorded: 'aa', replayed: 'bb' },
    'epoch 2: step 4 differs: its effects were aa, replayed they are bb',
  ],
  [
    { kind: 'repeated', epoch: 2, step: 4 },
    'epoch 2: step 4 was recorded more than once, or late; the first one counts',
  ],
  [
    { kind: 'begins-late', epoch: 2, rev: 7 },
    'epoch 2 began with a session that was stored 7 times; what was before is not in the journal',
  ],
  [
    { kind: 'torn', epoch: 2 },
    'epoch 2 began with a state that no recorded step led to: the last steps before it are missing, or the store changed it',
  ],
  [{ kind: 'unreadable', entry: 3, reason: 'body.step: wrong' }, 'entry 3 cannot be read: body.step: wrong'],
])('%j says what it is in one line', (problem, words) => {
  expect(describeProblem(problem)).toBe(words);
});
