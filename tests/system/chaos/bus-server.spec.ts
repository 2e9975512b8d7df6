import { ownerOf, voiceOf } from './bus-server';

const LISTENING = new Map([
  [1, ['claim', 'session.sess_a.3.in', 'session.sess_a.report', 'session.sess_b.2.in']],
  [2, ['claim', 'session.sess_a.12.in', 'session.sess_a.report']],
  [3, ['tts.open', 'session.sess_b.report', 'session.sess_d.report']],
  [4, ['session.sess_d.report']],
]);

it('the owner of a session is who listens for its inputs under the highest epoch', () => {
  expect(ownerOf('sess_a', LISTENING)).toBe(2);
  expect(ownerOf('sess_b', LISTENING)).toBe(1);
  expect(ownerOf('sess_c', LISTENING)).toBeUndefined();
});

it('the bound voice worker is the worker that listens for reports', () => {
  expect(voiceOf('sess_b', LISTENING, [3, 4])).toBe(3);
  expect(voiceOf('sess_a', LISTENING, [3, 4])).toBeUndefined();
  expect(voiceOf('sess_d', LISTENING, [3, 4])).toBeUndefined();
});
