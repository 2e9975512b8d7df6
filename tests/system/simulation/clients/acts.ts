import type { VirtualSystem } from '@parley/harness';
import { sentence } from '../world/answers';
import type { Dice } from '../world/streams';
import type { Connection } from './connection';

/** Where one client acts out a stretch of its conversation. */
export interface Scene {
  readonly connection: Connection;
  readonly dice: Dice;
  readonly system: VirtualSystem;
  /** A client of `parley.v1`; others speak the Realtime API alone. */
  readonly parley: boolean;
}

export interface Act {
  readonly name: string;
  readonly weight: number;
  /** It says something of Parley's own. */
  readonly parleyOnly: boolean;
  /** Turns it takes up. */
  readonly turns: number;
  run(scene: Scene): Promise<void>;
}

/** As long as an answer can take that is not stuck. */
const PATIENCE_MS = 40_000;
/** How long those who wait for a confirmation do so. */
const CONFIRMATION_MS = 4_000;

const pause = ({ system, dice }: Scene, fromMs: number, toMs: number): Promise<void> =>
  new Promise((resolve) => void system.timers.after(dice.between(fromMs, toMs), resolve));

interface Said {
  turnId: string;
  text: string;
}

function question({ connection, dice }: Scene): Said {
  const name = connection.nextQuestion();
  return { turnId: `turn-${name}`, text: `Question ${name} ${sentence(dice, dice.integer(2, 8))}` };
}

function say({ connection }: Scene, { turnId, text }: Said): void {
  connection.send({ type: 'parley.transcript.final', turn_id: turnId, text });
}

function type(scene: Scene): void {
  const { connection, dice } = scene;
  const { text } = question(scene);
  const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
  connection.send({ type: 'conversation.item.create', item });
  const instructions = dice.chance(0.2) ? { response: { instructions: `Brief for ${text}` } } : {};
  connection.send({ type: 'response.create', ...instructions });
}

/** Speaks or, where it cannot, types. */
function ask(scene: Scene): void {
  if (scene.parley) say(scene, question(scene));
  else type(scene);
}

/** Until the answer was heard to its end, or whatever else it comes to. */
async function listen({ connection, parley }: Scene): Promise<void> {
  await connection.until(() => connection.live !== undefined, CONFIRMATION_MS);
  const isOver = (): boolean => connection.live === undefined && (!parley || connection.floor === 'listening');
  await connection.until(isOver, PATIENCE_MS);
}

const firstAudio = ({ connection }: Scene): Promise<boolean> =>
  connection.until(() => (connection.live?.audioMs ?? 0) > 0, PATIENCE_MS);

/** Half of the clients go on at once, without the confirmation. */
async function interrupt({ connection, dice }: Scene, responseId?: string): Promise<void> {
  const before = connection.interruptions;
  const named = responseId === undefined ? {} : { response_id: responseId };
  connection.interrupt({ type: 'parley.interrupt', ...named }, responseId);
  if (dice.chance(0.5)) await connection.until(() => connection.interruptions > before, CONFIRMATION_MS);
}

const setBusy = ({ connection }: Scene, busy: string): void =>
  connection.send({ type: 'parley.policy.update', policy: { busy } });

function truncate({ connection, dice }: Scene): void {
  const last = connection.responses.at(-1);
  if (last?.itemId === undefined) return;
  const atMs = Math.floor(connection.playedMs(last.id) * (dice.chance(0.7) ? 1 : dice.between(0, 1)));
  const event = { type: 'conversation.item.truncate', item_id: last.itemId, content_index: 0, audio_end_ms: atMs };
  connection.interrupt(event, last.id);
}

/** Said while it is not yet sure; returns what the final transcript will be. */
function guess(scene: Scene): Said {
  const said = question(scene);
  const text = said.text.toLowerCase().replace(/\.$/, '');
  scene.connection.send({ type: 'parley.transcript.speculative', turn_id: said.turnId, text });
  return said;
}

/** What clients do. A new client event is one more entry. */
export const ACTS: readonly Act[] = [
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
    ...{ name: 'vanish', weight: 1, turns: 1, parleyOnly: false },
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
