import type { VirtualSystem } from '@parley/harness';
import { decodeAudioFrame } from '@parley/model';
import { fieldsOf } from '../../support/fields';
import { Ear } from '../checker/ear';
import type { Habit, Received, WireEvent } from '../checker/observation';
import type { Recorder } from '../world/recorder';
import type { Heard, SpokenAudio } from '../world/spoken-audio';
import type { Dice } from '../world/streams';
import { PlaybackReports } from './playback-reports';
import type { Socket, SocketReader } from './socket';

const SILENCE: Heard = { sound: null, samples: 0 };
const MS_PER_SAMPLE = 1 / 24;

export interface SeenResponse {
  readonly id: string;
  itemId: string | undefined;
  audioMs: number;
  /** Of each segment, all but the last complete. */
  readonly samples: number[];
  done: boolean;
  interrupted: boolean;
  /** The client has cut it off. */
  cut: boolean;
  /** … and then lost its socket, before it was told so: of what comes again of it, nothing is played. */
  silenced: boolean;
}

/** Who is at this end. `onAway`: its session has lost its socket, and wants another one. */
export interface Caller {
  readonly habit: Habit;
  readonly dice: Dice;
  /** It keeps what it needs to resume its session. */
  readonly comesBack: boolean;
  readonly onAway: () => void;
}

/** PROTOCOL.md, "Resuming a session": with these the session is over, or somebody else has it. */
const FINAL_CODES: ReadonlySet<number> = new Set([1000, 1002, 1003, 1007, 1008, 1009, 4001]);
/** These need not come again. */
const FLEETING = 'parley.playback';

/** The client's end of one session, over as many sockets as it takes: what they carry, an ear, and what has come so far. */
export class Connection implements SocketReader {
  /** In the order in which they were created. */
  readonly responses: SeenResponse[] = [];
  floor = '';
  greeted = false;
  /** Turns accepted, and interruptions confirmed or refused. */
  readonly accepted = new Set<string>();
  interruptions = 0;
  /** Functions the model has called and nobody has run yet, by call id. */
  readonly calls: string[] = [];
  private readonly ear = new Ear();
  private readonly jsonSamples = new Map<string, number>();
  private readonly waiters = new Set<() => void>();
  private state: 'open' | 'away' | 'over' = 'open';
  private token: string | undefined;
  private lastEventId: string | undefined;
  /** What was said and may have to be said again, and what was said while there was no socket. */
  private readonly said: WireEvent[] = [];
  private readonly unsent: WireEvent[] = [];
  private isSlow = false;
  private events = 0;
  private questions = 0;
  private readonly reports: PlaybackReports;

  constructor(
    readonly name: string,
    private readonly caller: Caller,
    private readonly recorder: Recorder,
    private readonly audio: SpokenAudio,
    private socket: Socket,
  ) {
    const { habit, dice } = caller;
    this.reports = new PlaybackReports(habit, dice, this.system, this.ear, this);
  }

  private get system(): VirtualSystem {
    return this.recorder.system;
  }

  get isOver(): boolean {
    return this.state === 'over';
  }

  get isAway(): boolean {
    return this.state === 'away';
  }

  /** The response that is generated or delivered, if any. */
  get live(): SeenResponse | undefined {
    const last = this.responses.at(-1);
    return last && !last.done && !last.interrupted ? last : undefined;
  }

  /** Whatever is said names who said it, so that it is recognised wherever it turns up. */
  nextQuestion(): string {
    return `${this.name}t${++this.questions}`;
  }

  /** Reads what its first socket has. */
  start(): void {
    this.socket.read(this);
  }

  send(event: WireEvent): void {
    if (this.isOver) return;
    const identified = { ...event, event_id: `${this.name}e${++this.events}` };
    if (!this.isAway) this.say(identified);
    else if (event.type !== FLEETING) this.unsent.push(identified);
  }

  /** An honest client says where it is before it cuts itself off, and plays nothing more. */
  interrupt(event: WireEvent, responseId?: string): void {
    if (this.caller.habit === 'honest') this.reports.report();
    this.send(event);
    this.ear.drop(responseId, this.system.nowMs);
    for (const response of this.responses)
      if (responseId === undefined || response.id === responseId) response.cut = true;
  }

  playedMs(responseId: string): number {
    return this.ear.playedMs(responseId, this.system.nowMs);
  }

  /** True as soon as it holds; false after `timeoutMs`, or when the connection is no more. */
  until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
    if (holds() || this.isOver) return Promise.resolve(holds());
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds() && !this.isOver) return;
        cancel();
        this.waiters.delete(look);
        resolve(holds());
      };
      const cancel = this.system.timers.after(timeoutMs, () => {
        this.waiters.delete(look);
        resolve(false);
      });
      this.waiters.add(look);
    });
  }

  /** An orderly end by the client. */
  leave(): void {
    if (this.isOver) return;
    if (!this.isAway) this.socket.leave();
    this.end('client', 1000);
  }

  /** Its link is gone: with a word to the gateway, or half-open. A client that can come back does, the others are no more. */
  loseLink(how: 'reset' | 'vanish'): void {
    if (this.state !== 'open') return;
    this.socket[how]();
    this.lose('network', 1006);
  }

  /** It never comes back. */
  vanish(): void {
    if (this.isOver) return;
    this.socket.vanish();
    this.state = 'over';
    this.recorder.record({ kind: 'vanished', connection: this.name });
    this.wake();
  }

  /** The query with which its session is asked for again; undefined while it was given no token. */
  get resumeQuery(): Record<string, string> | undefined {
    if (this.token === undefined) return undefined;
    const query = { resume: this.token, received: JSON.stringify(this.received()) };
    return this.lastEventId === undefined ? query : { ...query, last_event_id: this.lastEventId };
  }

  /** Goes on over a socket that has been told that the session is resumed, and what was applied of what was said. */
  resume(socket: Socket, statement: string, lastApplied: unknown): void {
    const received = JSON.parse(statement) as Received[];
    this.recorder.record({ kind: 'back', connection: this.name, gateway: socket.gateway, received });
    [this.socket, this.state] = [socket, 'open'];
    socket.read(this);
    const again = this.said.slice(this.said.findIndex((event) => event['event_id'] === lastApplied) + 1);
    for (const event of again) this.transmit(event, 'said-again');
    for (const event of this.unsent.splice(0)) this.say(event);
    this.wake();
  }

  /** The session is no more: whoever asked for it was given a new one. */
  forgotten(): void {
    this.end('server', 1000);
  }

  slowDown(): void {
    if (this.state !== 'open') return;
    this.isSlow = true;
    this.recorder.record({ kind: 'slowed', connection: this.name });
    this.socket.slowDown();
  }

  catchUp(): void {
    if (!this.isSlow || this.isOver) return;
    this.isSlow = false;
    this.socket.catchUp();
    this.recorder.record({ kind: 'caught-up', connection: this.name });
  }

  text(text: string): void {
    if (this.state !== 'open') return;
    const event = JSON.parse(text) as WireEvent;
    if (typeof event['event_id'] === 'string') this.lastEventId = event['event_id'];
    if (event.type === 'response.output_audio.delta') this.takeDelta(event);
    else {
      this.recorder.record({ kind: 'received', connection: this.name, event });
      this.take(event);
    }
    this.wake();
  }

  frame(frame: Uint8Array): void {
    if (this.state !== 'open') return;
    const decoded = decodeAudioFrame(frame);
    if (!decoded.ok) throw new Error(`a frame of ${this.name}: ${decoded.reason}`);
    const { responseId, segment, firstSample, last, pcm } = decoded.value;
    const samples = pcm.length / 2;
    const [heard = SILENCE, ...more] = this.audio.read(pcm);
    // A frame is of one segment, and this one of one rendering.
    const sound = more.length === 0 ? heard.sound : null;
    const audio = { responseId, segment, firstSample, samples, last, sound };
    this.recorder.record({ kind: 'audio', connection: this.name, ...audio });
    this.count(responseId, segment, samples, last);
    this.hear(responseId, samples);
    this.wake();
  }

  broke(code: number, by: 'server' | 'network'): void {
    if (this.state === 'open') this.lose(by, code);
  }

  private say(event: WireEvent): void {
    if (event.type !== FLEETING) this.said.push(event);
    this.transmit(event, 'sent');
  }

  private transmit(event: WireEvent, kind: 'sent' | 'said-again'): void {
    this.recorder.record({ kind, connection: this.name, event });
    this.socket.say(JSON.stringify(event));
  }

  private lose(by: 'server' | 'network', code: number): void {
    if (this.token === undefined || FINAL_CODES.has(code)) return this.end(by, code);
    this.state = 'away';
    for (const response of this.responses) response.silenced = response.cut && !response.interrupted;
    this.recorder.record({ kind: 'lost', connection: this.name });
    this.caller.onAway();
  }

  private end(by: 'client' | 'server' | 'network', code: number): void {
    this.state = 'over';
    this.recorder.record({ kind: 'closed', connection: this.name, code, by });
    this.wake();
  }

  /** Of the newest response, and of each other one that is not done or not heard to its end. */
  private received(): Received[] {
    const { nowMs } = this.system;
    const waiting = [this.ear.current(nowMs)?.responseId, ...this.ear.responses];
    return this.responses
      .filter(({ id, done }, index) => !done || index === this.responses.length - 1 || waiting.includes(id))
      .map(({ id, samples, done }) => ({
        response_id: id,
        samples,
        played_ms: this.reports.stated(this.playedMs(id)),
        done,
      }));
  }

  private take(event: WireEvent): void {
    const responseId = String(event['response_id'] ?? fieldsOf(event['response'])['id']);
    const response = this.responses.find((each) => each.id === responseId);
    switch (event.type) {
      case 'session.created':
        this.greeted = true;
        return;
      case 'parley.session':
        if (this.caller.comesBack) this.token = String(event['resume_token']);
        return;
      case 'parley.state':
        this.floor = String(event['state']);
        return;
      case 'parley.turn.accepted':
        this.accepted.add(String(event['turn_id']));
        return;
      case 'error':
        if (fieldsOf(event['error'])['code'] === 'nothing_to_interrupt') this.interruptions++;
        return;
      case 'response.created':
        this.responses.push({
          id: responseId,
          itemId: undefined,
          audioMs: 0,
          samples: [],
          done: false,
          interrupted: false,
          cut: false,
          silenced: false,
        });
        return;
      case 'response.output_item.added':
        if (response && fieldsOf(event['item'])['type'] === 'message') {
          response.itemId = String(fieldsOf(event['item'])['id']);
        }
        return;
      case 'response.function_call_arguments.done':
        return void this.calls.push(String(event['call_id']));
      case 'parley.output.paused':
        return this.ear.pause(responseId, this.system.nowMs);
      case 'parley.output.resumed':
        return this.ear.resume(responseId, this.system.nowMs);
      case 'response.done':
        if (response) response.done = true;
        return this.ear.finished(responseId, this.system.nowMs);
      case 'parley.response.interrupted':
        this.interruptions++;
        if (response) response.interrupted = true;
        return this.ear.drop(responseId, this.system.nowMs);
    }
  }

  private takeDelta(event: WireEvent): void {
    const responseId = String(event['response_id']);
    const pcm = Buffer.from(String(event['delta']), 'base64');
    // A delta may hold the end of one segment and the beginning of the next.
    for (const { sound, samples } of this.audio.read(pcm)) {
      const firstSample = this.jsonSamples.get(responseId) ?? 0;
      this.jsonSamples.set(responseId, firstSample + samples);
      const audio = { responseId, segment: null, firstSample, samples, last: false, sound };
      this.recorder.record({ kind: 'audio', connection: this.name, ...audio });
    }
    this.hear(responseId, pcm.length / 2);
  }

  private hear(responseId: string, samples: number): void {
    const response = this.responses.find((each) => each.id === responseId);
    if (response) response.audioMs += samples * MS_PER_SAMPLE;
    // An interrupt that nobody has heard of yet: after a resume its voice comes until they have.
    if (response?.silenced === true) return;
    this.ear.arrived(responseId, samples * MS_PER_SAMPLE, this.system.nowMs);
    this.reports.begin();
  }

  /** Every segment before the one under way is complete, one that had no audio too. */
  private count(responseId: string, segment: number, samples: number, last: boolean): void {
    const had = this.responses.find(({ id }) => id === responseId)?.samples;
    if (had === undefined) return;
    for (let before = 0; before <= segment; before++) had[before] ??= 0;
    had[segment] = (had[segment] ?? 0) + samples;
    if (last) had[segment + 1] ??= 0;
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }
}
