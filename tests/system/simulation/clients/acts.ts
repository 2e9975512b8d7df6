import { sentence } from '../world/answers';
import {
  ask,
  firstAudio,
  guess,
  interrupt,
  listen,
  pause,
  PATIENCE_MS,
  question,
  say,
  setBusy,
  truncate,
  type,
  type Act,
  type Scene,
} from './scene';
import { SPEECH_ACTS } from './speech-acts';
import { TOOL_ACTS } from './tool-acts';

/** What clients do. A new client event is one more entry. */
export const ACTS: readonly Act[] = [
  ...SPEECH_ACTS,
  ...TOOL_ACTS,
  {
    ...{ name: 'ask', weight: 6, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      await listen(scene);
    },
  },
  {
    ...{ name: 'type', weight: 3, turns: 1, parleyOnly: false },
    run: async (scene) => {
      type(scene);
      await listen(scene);
    },
  },
  {
    ...{ name: 'interrupt while heard', weight: 7, turns: 1, parleyOnly: true },
    run: async (scene) => {
      ask(scene);
      if (!(await firstAudio(scene))) return;
      await pause(scene, 0, 2_500);
      await interrupt(scene, scene.dice.chance(0.2) ? scene.connection.responses.at(-1)?.id : undefined);
    },
  },
  {
    ...{ name: 'interrupt before it is heard', weight: 2, turns: 1, parleyOnly: true },
    run: async (scene) => {
      ask(scene);
      await pause(scene, 0, 600);
      await interrupt(scene);
    },
  },
  {
    ...{ name: 'interrupt the tail', weight: 2, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const { connection } = scene;
      ask(scene);
      await firstAudio(scene);
      await connection.until(() => connection.live === undefined, PATIENCE_MS);
      await pause(scene, 0, 600);
      await interrupt(scene);
    },
  },
  {
    ...{ name: 'interrupt and ask in one breath', weight: 2, turns: 2, parleyOnly: true },
    run: async (scene) => {
      ask(scene);
      if (scene.dice.chance(0.7)) await firstAudio(scene);
      await pause(scene, 0, 1_000);
      scene.connection.interrupt({ type: 'parley.interrupt' });
      ask(scene);
      await listen(scene);
    },
  },
  {
    ...{ name: 'interrupt nothing', weight: 1, turns: 0, parleyOnly: true },
    run: (scene) => interrupt(scene),
  },
  {
    ...{ name: 'cancel', weight: 2, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      if (scene.dice.chance(0.5)) await firstAudio(scene);
      await pause(scene, 0, 1_500);
      const { live } = scene.connection;
      if (scene.parley) scene.connection.interrupt({ type: 'response.cancel' }, live?.id ?? '');
      else scene.connection.send({ type: 'response.cancel' });
      await pause(scene, 0, 2_000);
    },
  },
  {
    ...{ name: 'truncate', weight: 2, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      if (await firstAudio(scene)) await pause(scene, 0, 4_000);
      truncate(scene);
      await pause(scene, 0, 1_000);
    },
  },
  {
    ...{ name: 'ask during the tail', weight: 2, turns: 2, parleyOnly: true },
    run: async (scene) => {
      const { connection } = scene;
      ask(scene);
      await firstAudio(scene);
      await connection.until(() => connection.live === undefined, PATIENCE_MS);
      ask(scene);
      await listen(scene);
    },
  },
  {
    ...{ name: 'ask while it answers', weight: 2, turns: 2, parleyOnly: true },
    run: async (scene) => {
      ask(scene);
      await pause(scene, 0, 2_000);
      ask(scene);
      await listen(scene);
    },
  },
  {
    ...{ name: 'take the floor', weight: 3, turns: 2, parleyOnly: true },
    run: async (scene) => {
      setBusy(scene, 'interrupt');
      ask(scene);
      if (scene.dice.chance(0.7)) await firstAudio(scene);
      await pause(scene, 0, 1_500);
      ask(scene);
      await listen(scene);
      setBusy(scene, 'reject');
    },
  },
  {
    ...{ name: 'queue', weight: 2, turns: 3, parleyOnly: true },
    run: async (scene) => {
      setBusy(scene, 'queue');
      for (let n = 0; n < 3; n++) {
        ask(scene);
        await pause(scene, 0, 1_500);
      }
      if (scene.dice.chance(0.3)) await interrupt(scene);
      for (let n = 0; n < 3; n++) await listen(scene);
      setBusy(scene, 'reject');
    },
  },
  {
    ...{ name: 'repeat a turn', weight: 3, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const said = question(scene);
      say(scene, said);
      if (scene.dice.chance(0.5)) await pause(scene, 0, 3_000);
      say(scene, said);
      await listen(scene);
      if (scene.dice.chance(0.5)) say(scene, said);
    },
  },
  {
    ...{ name: 'guess right', weight: 3, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const said = guess(scene);
      await pause(scene, 0, 1_500);
      say(scene, scene.dice.chance(0.5) ? said : { ...said, text: `${said.text} And so on.` });
      await listen(scene);
    },
  },
  {
    ...{ name: 'guess wrong', weight: 2, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const said = guess(scene);
      await pause(scene, 0, 1_500);
      say(scene, { ...said, text: question(scene).text });
      await listen(scene);
    },
  },
  {
    ...{ name: 'guess and speak on', weight: 1, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const said = guess(scene);
      await pause(scene, 0, 1_000);
      scene.connection.send({ type: 'parley.transcript.resumed', turn_id: said.turnId });
      await pause(scene, 0, 1_000);
      say(scene, said);
      await listen(scene);
    },
  },
  {
    ...{ name: 'guess and interrupt', weight: 2, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const said = guess(scene);
      await pause(scene, 200, 1_200);
      await interrupt(scene);
      say(scene, said);
      await listen(scene);
    },
  },
  {
    ...{ name: 'change the session', weight: 1, turns: 0, parleyOnly: false },
    run: async (scene) => {
      const instructions = sentence(scene.dice, 4);
      scene.connection.send({ type: 'session.update', session: { type: 'realtime', instructions } });
    },
  },
  {
    ...{ name: 'talk nonsense', weight: 1, turns: 0, parleyOnly: false },
    run: async ({ connection, dice }) => {
      connection.send({ type: dice.pick(['parley.nonsense', 'response.create.please']) });
      connection.send({ type: 'conversation.item.truncate', item_id: 'none', content_index: 0, audio_end_ms: 0 });
    },
  },
  {
    ...{ name: 'read slowly', weight: 1, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      await pause(scene, 0, 2_000);
      scene.connection.slowDown();
      await pause(scene, 500, 4_000);
      scene.connection.catchUp();
      await listen(scene);
    },
  },
  {
    ...{ name: 'leave', weight: 0.7, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      await pause(scene, 0, 3_000);
      scene.connection.leave();
    },
  },
  {
    ...{ name: 'lose the link', weight: 2, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      if (scene.dice.chance(0.7)) await firstAudio(scene);
      await pause(scene, 0, 3_000);
      scene.connection.loseLink(scene.dice.pick(['reset', 'vanish']));
      await listen(scene);
    },
  },
  {
    ...{ name: 'vanish', weight: 0.5, turns: 1, parleyOnly: false },
    run: async (scene) => {
      ask(scene);
      await pause(scene, 0, 3_000);
      scene.connection.vanish();
    },
  },
];

/** The last turn of every session that is left: everything works again, so it is answered and heard. */
export async function lastTurn(scene: Scene): Promise<void> {
  ask(scene);
  await listen(scene);
}
