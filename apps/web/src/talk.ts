import { ParleyClient, Playout, describeClosedReason } from '@parley/client';
import type { AudioOutput, ClientSocketConstructor, ClientSystem, ClosedReason } from '@parley/client';
import type { FloorState, ResponseId, TurnId, WireViseme } from '@parley/model';
import {
  withAccepted,
  withAllLost,
  withDone,
  withEarlierSession,
  withFirstAudio,
  withInterrupted,
  withLost,
  withNewSession,
  withRefused,
  withText,
  withTurn,
} from './conversation';
import type { Conversation } from './conversation';
import { CLOSED, mouthAt } from './mouth';
import type { Mouth } from './mouth';
import type { TabStore } from './tab-store';

export type Connection =
  | { phase: 'connecting' }
  | { phase: 'open' }
  /** It was lost, and comes back by itself; `message` says why. */
  | { phase: 'reconnecting'; message: string }
  | { phase: 'closed'; message: string }
  /** Not let in, or not tried yet; `message` is empty then. */
  | { phase: 'key-needed'; message: string };

/** What the page shows. A new object whenever something changed. */
export interface View {
  connection: Connection;
  /** Undefined without a connection. */
  floor: FloorState | undefined;
  latencyMs: number | undefined;
  conversation: Conversation;
  /** The last error that belongs to no turn. */
  notice: string | undefined;
}

export interface TalkOptions {
  url: string;
  /** Tried when this tab has no key yet. */
  defaultKey: string | undefined;
  keyStore: TabStore;
  /** The token of the session that a reload of the page goes on with. */
  resumeStore: TabStore;
  WebSocket: ClientSocketConstructor;
  system: ClientSystem;
  /** A fresh output for a fresh session, on the page's one audio context. */
  makeOutput(): AudioOutput;
}

/** The page's state: one session after another, each with its client and its playout. */
export class Talk {
  private view: View = {
    connection: { phase: 'connecting' },
    floor: undefined,
    latencyMs: undefined,
    conversation: [],
    notice: undefined,
  };
  private readonly watchers = new Set<() => void>();
  private session: { client: ParleyClient; playout: Playout } | undefined;
  private readonly sentAtMs = new Map<TurnId, number>();
  private readonly turnOf = new Map<ResponseId, TurnId>();
  private readonly visemes = new Map<ResponseId, WireViseme[]>();
  /** The client that had a session last. */
  private toldTo: ParleyClient | undefined;
  /** The key that opened a session in this tab. */
  private provenKey: string | undefined;

  constructor(private readonly options: TalkOptions) {}

  readonly subscribe = (watcher: () => void): (() => void) => {
    this.watchers.add(watcher);
    return () => {
      this.watchers.delete(watcher);
    };
  };

  readonly current = (): View => this.view;

  /** Connects with the key at hand, or asks for one. */
  start(): void {
    const key = this.options.keyStore.read() ?? this.options.defaultKey;
    if (key === undefined) this.show({ connection: { phase: 'key-needed', message: '' } });
    else this.connect(key);
  }

  /** Goes on with the session this tab had before a reload, if any; else a new one: the agent remembers nothing. */
  connect(key: string): void {
    this.session?.client.close();
    for (const entries of [this.sentAtMs, this.turnOf, this.visemes]) entries.clear();
    const { url, WebSocket, system, makeOutput } = this.options;
    const resumeToken = this.options.resumeStore.read();
    const client = new ParleyClient({
      url,
      key,
      WebSocket,
      system,
      ...(resumeToken === undefined ? {} : { resumeToken }),
    });
    const playout = new Playout(client, makeOutput(), system);
    this.session = { client, playout };
    this.follow(client, playout, key);
    client.connect();
  }

  reconnect(): void {
    if (this.provenKey === undefined) this.start();
    else this.connect(this.provenKey);
  }

  /** Sent at once, or when the connection is back. False: it is not coming back, nothing was sent. */
  send(text: string): boolean {
    const atMs = this.options.system.clock.nowMs();
    const turnId = this.session?.client.say(text);
    if (turnId === undefined) return false;
    this.sentAtMs.set(turnId, atMs);
    this.show({ conversation: withTurn(this.view.conversation, turnId, text), notice: undefined });
    return true;
  }

  /** Does nothing unless there is something to interrupt. */
  interrupt(): void {
    if (canInterrupt(this.view)) this.session?.playout.interrupt();
  }

  /** The mouth for the sample that is heard right now; undefined while nothing sounds. */
  mouth(): Mouth | undefined {
    const heard = this.session?.playout.heard();
    if (heard === undefined) return undefined;
    const visemes = this.visemes.get(heard.responseId);
    return visemes === undefined ? CLOSED : mouthAt(visemes, heard.positionMs);
  }

  private follow(client: ParleyClient, playout: Playout, key: string): void {
    client.on('status', (status) => {
      if (status.phase === 'connecting') this.show({ connection: { phase: 'connecting' }, notice: undefined });
      if (status.phase === 'open') this.opened(key);
      if (status.phase === 'reconnecting') this.reconnecting(status.reason);
      if (status.phase === 'closed') this.closed(status.reason, key);
    });
    client.on('session', ({ resumed, resumeToken }) => this.sessionTold(client, resumed, resumeToken));
    client.on('turns-lost', ({ turnIds }) => this.converse((before) => withLost(before, turnIds)));
    client.on('state', ({ state }) => this.show({ floor: state }));
    client.on('latency', ({ latencyMs }) => this.show({ latencyMs }));
    client.on('accepted', ({ turnId, responseId }) => {
      this.turnOf.set(responseId, turnId);
      this.converse((conversation) => withAccepted(conversation, turnId, responseId));
    });
    client.on('text', ({ responseId, delta }) => this.converse((before) => withText(before, responseId, delta)));
    client.on('visemes', ({ responseId, visemes }) => this.addVisemes(responseId, visemes));
    client.on('done', ({ responseId, status, detail }) =>
      this.converse((before) => withDone(before, responseId, status, detail)),
    );
    client.on('interrupted', ({ responseId, heardText }) =>
      this.converse((before) => withInterrupted(before, responseId, heardText)),
    );
    client.on('error', ({ error, turnId }) => {
      if (turnId !== undefined) this.converse((before) => withRefused(before, turnId, error.message));
      // The answer ended while the click was under way: just what the user wanted.
      else if (error.code !== 'nothing_to_interrupt') this.show({ notice: error.message });
    });
    playout.on('started', ({ responseId, startsInMs }) => this.firstAudio(responseId, startsInMs));
    playout.on('ended', ({ responseId }) => this.visemes.delete(responseId));
  }

  private opened(key: string): void {
    this.provenKey = key;
    if (key !== this.options.defaultKey) this.options.keyStore.write(key);
    this.show({ connection: { phase: 'open' } });
  }

  private sessionTold(client: ParleyClient, isResumed: boolean, resumeToken: string | null): void {
    if (resumeToken !== null) this.options.resumeStore.write(resumeToken);
    const isFirst = this.toldTo !== client;
    this.toldTo = client;
    if (!isResumed) {
      this.show({ floor: 'idle', conversation: withNewSession(this.view.conversation) });
    } else if (isFirst) {
      this.converse(withEarlierSession);
    }
  }

  private reconnecting(reason: ClosedReason): void {
    // Done before anybody could read it, and nothing is lost by it.
    if (reason.kind === 'server_restarting') return;
    const connection: Connection = { phase: 'reconnecting', message: sentenceOf(reason) };
    this.show({ connection, latencyMs: undefined });
  }

  private closed(reason: ClosedReason, key: string): void {
    if (reason.kind === 'closed_by_client') return;
    // A session that was not reached once may be reached after the next reload.
    if (this.toldTo === this.session?.client) this.options.resumeStore.clear();
    this.show({
      connection: this.afterClose(reason, key),
      floor: undefined,
      latencyMs: undefined,
      conversation: withAllLost(this.view.conversation),
    });
  }

  private afterClose(reason: ClosedReason, key: string): Connection {
    const sentence = sentenceOf(reason);
    if (reason.kind !== 'not_opened') return { phase: 'closed', message: sentence };
    // A browser does not say whether a key was refused or nobody was there. A key that once worked is not in doubt.
    if (key === this.provenKey) return { phase: 'closed', message: 'The gateway cannot be reached.' };
    if (key === this.options.defaultKey) {
      return { phase: 'key-needed', message: 'The gateway wants an API key, or is not running.' };
    }
    const message = reason.message === undefined ? 'The gateway refused that key, or is not running.' : sentence;
    return { phase: 'key-needed', message };
  }

  private firstAudio(responseId: ResponseId, startsInMs: number): void {
    const turnId = this.turnOf.get(responseId);
    const sentAtMs = turnId === undefined ? undefined : this.sentAtMs.get(turnId);
    if (sentAtMs === undefined) return;
    const ms = this.options.system.clock.nowMs() + startsInMs - sentAtMs;
    this.converse((before) => withFirstAudio(before, responseId, ms));
  }

  private addVisemes(responseId: ResponseId, visemes: readonly WireViseme[]): void {
    // Those of audio that comes again after a lost connection come again too.
    const starts = new Set(visemes.map(({ start_ms: startMs }) => startMs));
    const before = this.visemes.get(responseId) ?? [];
    const all = [...before.filter(({ start_ms: startMs }) => !starts.has(startMs)), ...visemes];
    this.visemes.set(
      responseId,
      all.sort((a, b) => a.start_ms - b.start_ms),
    );
  }

  private converse(change: (conversation: Conversation) => Conversation): void {
    this.show({ conversation: change(this.view.conversation) });
  }

  private show(change: Partial<View>): void {
    this.view = { ...this.view, ...change };
    for (const watcher of this.watchers) watcher();
  }
}

export const canInterrupt = ({ floor }: View): boolean => floor === 'thinking' || floor === 'speaking';

function sentenceOf(reason: ClosedReason): string {
  const words = describeClosedReason(reason);
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
