import { HABITS, type Habit, type WireEvent } from '../checker/observation';
import type { Recorder } from '../world/recorder';
import { streamOf, type Dice } from '../world/streams';
import { API_KEY, REPLICAS, type World } from '../world/world';
import { ACTS, lastTurn } from './acts';
import { Connection } from './connection';
import { Socket } from './socket';
import type { Scene } from './scene';

/** Most report truly or not at all: only of these it is known to the millisecond what was heard. */
const HONEST_PROBABILITY = 0.5;
/** Most of the product is in `parley.v1`. */
const PARLEY_PROBABILITY = 0.9;
const THINK_MS = { from: 100, to: 5_500 };
const RECONNECT_MS = { from: 200, to: 1_500 };
/** Until it has noticed, by chance one of these: at once, beyond the grace period of its answer, and beyond that of its owner’s patience. */
const NOTICES_MS = [20, 20, 300, 1_500, 4_000, 7_000, 20_000];
/** Shorter than a session is kept without a connection. */
const GIVES_UP_MS = 90_000;

/** One user: connects, acts out turns, and comes back with a new session when a connection ends. */
export class Client {
  readonly actsDone = new Map<string, number>();
  private readonly dice: Dice;
  private readonly habit: Habit;
  private readonly parley: boolean;
  private readonly binary: boolean;
  /** Samples are counted by binary frames. */
  private get comesBack(): boolean {
    return this.parley && this.binary;
  }

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
    if (scene.connection.isOver) await lastTurn(await this.onStage());
  }

  leave(): void {
    this.left = true;
    this.connection?.leave();
  }

  private async onStage(): Promise<Scene> {
    const { connection } = this;
    // It comes back, or is over then.
    if (connection) await connection.until(() => !connection.isAway, 2 * GIVES_UP_MS);
    while (this.connection?.isOver !== false && !this.left) {
      this.connection = await this.connect();
      if (this.connection === undefined) await this.pause(RECONNECT_MS.from, RECONNECT_MS.to);
    }
    const { connection: open, dice, parley } = this;
    if (open === undefined) throw new Error('this client has left');
    return { connection: open, dice, parley, system: this.world.system };
  }

  private async connect(): Promise<Connection | undefined> {
    const socket = await this.dial({});
    if (socket === undefined) return undefined;
    const connection = this.begin(socket);
    await connection.until(() => connection.greeted, 1_000);
    return connection;
  }

  /** The first of a new session. */
  private begin(socket: Socket): Connection {
    const name = `${this.name}.${++this.connections}`;
    const { habit, parley, dice } = this;
    const caller = { habit, dice, comesBack: this.comesBack, onAway: () => void this.bringBack(connection) };
    const connection = new Connection(name, caller, this.recorder, this.world.voice.audio, socket);
    this.recorder.record({ kind: 'connected', connection: name, habit, parley, gateway: socket.gateway });
    connection.start();
    return connection;
  }

  /** Asks for its session again until it has it, or another one in its place. */
  private async bringBack(connection: Connection): Promise<void> {
    const sinceMs = this.world.system.nowMs;
    await this.pause(0, this.dice.pick(NOTICES_MS));
    while (connection.isAway && !this.left) {
      if (this.world.system.nowMs - sinceMs > GIVES_UP_MS) return connection.vanish();
      const query = connection.resumeQuery;
      const socket = query && (await this.dial(query));
      if (socket && this.take(connection, socket, query)) return;
      await this.pause(RECONNECT_MS.from, RECONNECT_MS.to);
    }
  }

  /** False when the socket ended before it said what it is. */
  private take(connection: Connection, socket: Socket, query: Record<string, string>): boolean {
    const events = socket.peek().map((text) => JSON.parse(text) as WireEvent);
    const session = events.find(({ type }) => type === 'parley.session');
    if (session === undefined) return false;
    if (session['resumed'] === true)
      connection.resume(socket, query['received'] ?? '[]', session['last_client_event_id']);
    else {
      connection.forgotten();
      this.connection = this.begin(socket);
    }
    return true;
  }

  private async dial(query: Record<string, string>): Promise<Socket | undefined> {
    const gateway = this.world.gateway(`gateway-${this.dice.integer(0, REPLICAS - 1)}`);
    if (gateway === undefined) return undefined;
    const { process, service } = gateway;
    // A gateway that dies meanwhile never answers.
    const died = new Promise<undefined>((resolve) => process.onDeath(() => resolve(undefined)));
    const admission = await Promise.race([died, service.admit(this.upgrade(query))]);
    if (admission?.kind !== 'admitted' || !process.isAlive) return undefined;
    const socket = new Socket(this.world.system, process.name);
    process.onDeath(() => socket.cut());
    socket.start(admission.open(socket));
    return socket;
  }

  private upgrade(query: Record<string, string>) {
    return {
      path: '/v1/realtime',
      query: this.parley && this.binary ? { ...query, audio: 'binary' } : query,
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
