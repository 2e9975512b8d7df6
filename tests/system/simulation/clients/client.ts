import { HABITS, type Habit } from '../checker/observation';
import type { Recorder } from '../world/recorder';
import { streamOf, type Dice } from '../world/streams';
import { API_KEY, REPLICAS, type World } from '../world/world';
import { ACTS, lastTurn } from './acts';
import { Connection } from './connection';
import type { Scene } from './scene';

/** Most report truly or not at all: only of these it is known to the millisecond what was heard. */
const HONEST_PROBABILITY = 0.5;
/** Most of the product is in `parley.v1`. */
const PARLEY_PROBABILITY = 0.9;
const THINK_MS = { from: 100, to: 5_500 };
const RECONNECT_MS = { from: 200, to: 1_500 };

/** One user: connects, acts out turns, and comes back with a new session when a connection ends. */
export class Client {
  readonly actsDone = new Map<string, number>();
  private readonly dice: Dice;
  private readonly habit: Habit;
  private readonly parley: boolean;
  private readonly binary: boolean;
  private connection: Connection | undefined;
  private connections = 0;
  private left = false;

  constructor(
    private readonly name: string,
    private readonly world: World,
    private readonly recorder: Recorder,
    seed: number,
    private turnsLeft: number,
  ) {
    this.dice = streamOf(seed, name);
    this.parley = this.dice.chance(PARLEY_PROBABILITY);
    this.binary = this.dice.chance(0.9);
    this.habit = !this.parley ? 'silent' : this.dice.chance(HONEST_PROBABILITY) ? 'honest' : this.dice.pick(HABITS);
  }

  /** All its turns, over as many connections as it takes. */
  async run(): Promise<void> {
    await this.pause(0, 2_000);
    while (this.turnsLeft > 0) {
      const scene = await this.onStage();
      const act = this.dice.weighted(ACTS.filter(({ parleyOnly }) => this.parley || !parleyOnly));
      this.turnsLeft -= act.turns;
      this.actsDone.set(act.name, (this.actsDone.get(act.name) ?? 0) + 1);
      await act.run(scene);
      await this.pause(THINK_MS.from, THINK_MS.to);
    }
  }

  /** Everything is well again: a turn must be answered, in the session there is or, where it ended, in a new one. */
  async finish(): Promise<void> {
    const scene = await this.onStage();
    await lastTurn(scene);
    // An idle session may have ended long ago, and its client learns of it now.
    if (!scene.connection.isOpen) await lastTurn(await this.onStage());
  }

  leave(): void {
    this.left = true;
    this.connection?.leave();
  }

  private async onStage(): Promise<Scene> {
    while (this.connection?.isOpen !== true && !this.left) {
      this.connection = await this.connect();
      if (this.connection === undefined) await this.pause(RECONNECT_MS.from, RECONNECT_MS.to);
    }
    const { connection, dice, parley } = this;
    if (connection === undefined) throw new Error('this client has left');
    return { connection, dice, parley, system: this.world.system };
  }

  private async connect(): Promise<Connection | undefined> {
    const gateway = this.world.gateway(`gateway-${this.dice.integer(0, REPLICAS - 1)}`);
    if (gateway === undefined) return undefined;
    const { process, service } = gateway;
    // A gateway that dies meanwhile never answers.
    const died = new Promise<undefined>((resolve) => process.onDeath(() => resolve(undefined)));
    const admission = await Promise.race([died, service.admit(this.upgrade())]);
    if (admission?.kind !== 'admitted' || !process.isAlive) return undefined;
    const name = `${this.name}.${++this.connections}`;
    const { habit, parley } = this;
    const connection = new Connection(name, habit, this.recorder, this.dice, this.world.voice.audio);
    this.recorder.record({ kind: 'connected', connection: name, habit, parley });
    process.onDeath(() => connection.cut());
    connection.start(admission.open(connection));
    await connection.until(() => connection.greeted, 1_000);
    return connection;
  }

  private upgrade() {
    return {
      path: '/v1/realtime',
      query: this.parley && this.binary ? { audio: 'binary' } : {},
      headers: { authorization: `Bearer ${API_KEY}` },
      subprotocols: [this.parley ? 'parley.v1' : 'realtime'],
      loopback: true,
    };
  }

  private pause(fromMs: number, toMs: number): Promise<void> {
    const { timers } = this.world.system;
    return new Promise((resolve) => void timers.after(this.dice.between(fromMs, toMs), resolve));
  }
}
