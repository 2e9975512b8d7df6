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
export const PATIENCE_MS = 40_000;
/** How long those who wait for a confirmation do so. */
export const CONFIRMATION_MS = 4_000;

export const pause = ({ system, dice }: Scene, fromMs: number, toMs: number): Promise<void> =>
  new Promise((resolve) => void system.timers.after(dice.between(fromMs, toMs), resolve));

export interface Said {
  turnId: string;
  text: string;
}

export function question({ connection, dice }: Scene): Said {
  const name = connection.nextQuestion();
  return { turnId: `turn-${name}`, text: `Question ${name} ${sentence(dice, dice.integer(2, 8))}` };
}

export function say({ connection }: Scene, { turnId, text }: Said): void {
  connection.send({ type: 'parley.transcript.final', turn_id: turnId, text });
}

export function type(scene: Scene): void {
  const { connection, dice } = scene;
  const { text } = question(scene);
  const item = { type: 'message', role: 'user', content: [{ type: 'input_text', text }] };
  connection.send({ type: 'conversation.item.create', item });
  const instructions = dice.chance(0.2) ? { response: { instructions: `Brief for ${text}` } } : {};
  connection.send({ type: 'response.create', ...instructions });
}

/** Speaks or, where it cannot, types. */
export function ask(scene: Scene): void {
  if (scene.parley) say(scene, question(scene));
  else type(scene);
}

/** Until the answer was heard to its end, or whatever else it comes to. */
export async function listen({ connection, parley }: Scene): Promise<void> {
  await connection.until(() => connection.live !== undefined, CONFIRMATION_MS);
  const isOver = (): boolean => connection.live === undefined && (!parley || connection.floor === 'listening');
  await connection.until(isOver, PATIENCE_MS);
}

export const firstAudio = ({ connection }: Scene): Promise<boolean> =>
  connection.until(() => (connection.live?.audioMs ?? 0) > 0, PATIENCE_MS);

/** Half of the clients go on at once, without the confirmation. */
export async function interrupt({ connection, dice }: Scene, responseId?: string): Promise<void> {
  const before = connection.interruptions;
  const named = responseId === undefined ? {} : { response_id: responseId };
  connection.interrupt({ type: 'parley.interrupt', ...named }, responseId);
  if (dice.chance(0.5)) await connection.until(() => connection.interruptions > before, CONFIRMATION_MS);
}

export const setBusy = (scene: Scene, busy: string): void => choose(scene, { busy });

export function truncate({ connection, dice }: Scene): void {
  const last = connection.responses.at(-1);
  if (last?.itemId === undefined) return;
  const atMs = Math.floor(connection.playedMs(last.id) * (dice.chance(0.7) ? 1 : dice.between(0, 1)));
  const event = { type: 'conversation.item.truncate', item_id: last.itemId, content_index: 0, audio_end_ms: atMs };
  connection.interrupt(event, last.id);
}

/** Said while it is not yet sure; returns what the final transcript will be. */
export function guess(scene: Scene): Said {
  const said = question(scene);
  const text = said.text.toLowerCase().replace(/\.$/, '');
  scene.connection.send({ type: 'parley.transcript.speculative', turn_id: said.turnId, text });
  return said;
}

/** `parley.policy.update` with these fields. */
export const choose = ({ connection }: Scene, policy: Record<string, unknown>): void =>
  connection.send({ type: 'parley.policy.update', policy });
