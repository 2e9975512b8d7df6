import { sentence } from '../world/answers';
import { ask, choose, firstAudio, listen, pause, question, say, type Act, type Said, type Scene } from './scene';

/** What clients do that hear their user speak, and that hold or move the agent's voice. */

/** A user who begins to say something: speech, and the words as they become known. Returns what it will have been. */
async function beginToSpeak(scene: Scene, words: number): Promise<Said> {
  const { connection, dice } = scene;
  const said = question(scene);
  if (dice.chance(0.9)) connection.send({ type: 'parley.speech.started' });
  for (let known = 1; known <= words; known++) {
    await pause(scene, 100, 400);
    const text = said.text.split(' ').slice(0, known).join(' ');
    connection.send({ type: 'parley.transcript.partial', turn_id: said.turnId, text });
  }
  return said;
}

/** While the agent is heard, or works on what will be. */
async function whileItAnswers(scene: Scene): Promise<void> {
  ask(scene);
  if (scene.dice.chance(0.8)) await firstAudio(scene);
  await pause(scene, 0, 2_000);
}

const canHold = (scene: Scene): void => choose(scene, { false_interruption: 'pause' });

export const SPEECH_ACTS: readonly Act[] = [
  {
    ...{ name: 'speak over it', weight: 3, turns: 2, parleyOnly: true },
    run: async (scene) => {
      if (scene.dice.chance(0.5)) canHold(scene);
      choose(scene, { min_speech_ms: scene.dice.integer(0, 800), min_words: scene.dice.integer(0, 3) });
      await whileItAnswers(scene);
      const said = await beginToSpeak(scene, scene.dice.integer(1, 5));
      if (scene.dice.chance(0.8)) scene.connection.send({ type: 'parley.speech.stopped' });
      await pause(scene, 0, 500);
      say(scene, said);
      await listen(scene);
    },
  },
  {
    ...{ name: 'cough', weight: 3, turns: 1, parleyOnly: true },
    run: async (scene) => {
      canHold(scene);
      if (scene.dice.chance(0.3)) choose(scene, { false_interruption_ms: scene.dice.integer(0, 6_000) });
      await whileItAnswers(scene);
      scene.connection.send({ type: 'parley.speech.started' });
      await pause(scene, 0, 2_500);
      if (scene.dice.chance(0.7)) scene.connection.send({ type: 'parley.speech.stopped' });
      if (scene.dice.chance(0.2)) scene.connection.interrupt({ type: 'parley.interrupt' });
      await listen(scene);
    },
  },
  {
    ...{ name: 'murmur', weight: 2, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const said = question(scene);
      choose(scene, { backchannels: said.text.split(' '), busy: scene.dice.pick(['reject', 'interrupt', 'queue']) });
      await whileItAnswers(scene);
      say(scene, said);
      await listen(scene);
      choose(scene, { backchannels: [], busy: 'reject' });
    },
  },
  {
    ...{ name: 'have it say something', weight: 2, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const { connection, dice } = scene;
      choose(scene, { busy: dice.pick(['reject', 'interrupt', 'queue']) });
      if (dice.chance(0.4)) await whileItAnswers(scene);
      const text = `Said_${connection.nextQuestion()} ${sentence(dice, dice.integer(2, 6))} ${sentence(dice, 4)}`;
      const interruptible = dice.chance(0.5) ? {} : { interruptible: dice.chance(0.5) };
      connection.send({ type: 'parley.say', text, ...interruptible });
      if (dice.chance(0.4)) {
        await pause(scene, 0, 2_000);
        const said = await beginToSpeak(scene, dice.integer(0, 4));
        say(scene, said);
      }
      for (let n = 0; n < 3; n++) await listen(scene);
      choose(scene, { busy: 'reject' });
    },
  },
  {
    ...{ name: 'mute', weight: 1, turns: 1, parleyOnly: true },
    run: async (scene) => {
      const { connection, dice } = scene;
      if (dice.chance(0.5)) canHold(scene);
      await whileItAnswers(scene);
      if (dice.chance(0.5)) connection.send({ type: 'parley.speech.started' });
      connection.send({ type: 'parley.mute', muted: true });
      await beginToSpeak(scene, 3);
      await listen(scene);
      connection.send({ type: 'parley.mute', muted: false });
    },
  },
  {
    ...{ name: 'fall silent', weight: 1, turns: 1, parleyOnly: true },
    run: async (scene) => {
      choose(scene, { away_after_ms: scene.dice.integer(500, 4_000) });
      await pause(scene, 0, 6_000);
      ask(scene);
      await listen(scene);
      choose(scene, { away_after_ms: null });
    },
  },
];
