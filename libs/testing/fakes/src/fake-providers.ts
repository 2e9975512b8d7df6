import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  badRequest,
  checkAuthorization,
  checkContentType,
  errorBody,
  isRecord,
  unknownPath,
  wrongMethod,
} from './api-error';
import type { Refusal } from './api-error';
import { BehaviourScript } from './behaviour-script';
import type { ChatBehaviour } from './chat-behaviour';
import { checkChatBody, isChatMessage, lastUserText } from './chat-body';
import { playChat } from './chat-player';
import { checkPrefill, openAnswerOf } from './continuation';
import type { ContinuationHabit, PrefillDialect } from './continuation';
import { defaultChatText } from './default-answer';
import { Outlet } from './outlet';
import { Pacer } from './pacer';
import { RequestLog } from './request-log';
import type { RecordedChat, RecordedRequest, RecordedSpeech } from './request-log';
import type { SpeechBehaviour } from './speech-behaviour';
import { checkSpeechBody } from './speech-body';
import { playSpeech } from './speech-player';

export interface FakeProvidersOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The keys that are let in; without a list every bearer token is. */
  readonly apiKeys?: readonly string[];
  /** Default 'none', as OpenAI's. */
  readonly prefill?: PrefillDialect;
}

/** A running server that answers like OpenAI's chat completions and speech endpoints, or fails as it is told to. */
export interface FakeProviders {
  /** Base URL for clients, with `/v1`. */
  readonly url: string;
  /** The same without a path. */
  readonly origin: string;
  /** Chat and speech requests in the order their bodies arrived, refused ones included. Live. */
  readonly requests: readonly RecordedRequest[];
  /** Sockets that are open now, idle keep-alive ones included. */
  readonly openConnections: number;
  /** Queues a behaviour for one chat request that is not refused. */
  nextChat(behaviour: ChatBehaviour): void;
  /** Queues a behaviour for one speech request that is not refused. */
  nextSpeech(behaviour: SpeechBehaviour): void;
  setDefaultChat(behaviour: ChatBehaviour): void;
  setDefaultSpeech(behaviour: SpeechBehaviour): void;
  /** How answers go on that name no habit of their own, from the next request on. At first: 'continues'. */
  setContinuation(habit: ContinuationHabit): void;
  /** Asked for every chat request for which nothing is queued; the first rule that names a behaviour wins. Answers its removal. */
  chatRule(rule: (request: RecordedChat) => ChatBehaviour | undefined): () => void;
  /** Like {@link chatRule}, for speech. */
  speechRule(rule: (request: RecordedSpeech) => SpeechBehaviour | undefined): () => void;
  /**
   * The first request, past ones included, for which the predicate holds; asked again whenever a request arrives, sends or
   * ends. Rejects after `timeoutMs`, and when the server is closed.
   */
  waitForRequest(predicate: (request: RecordedRequest) => boolean, timeoutMs: number): Promise<RecordedRequest>;
  /** Destroys every socket and drops every wait. Afterwards no timer and no handle is left. */
  close(): Promise<void>;
}

type Kind = RecordedRequest['kind'];

const KIND_BY_PATH: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['/v1/chat/completions', 'chat'],
  ['/v1/audio/speech', 'speech'],
]);

/** Starts the fakes and resolves when they listen. */
export async function startFakeProviders(options: FakeProvidersOptions = {}): Promise<FakeProviders> {
  const providers = new FakeServer(options.apiKeys, options.prefill ?? 'none');
  await providers.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  return providers;
}

class FakeServer implements FakeProviders {
  readonly #pacer = new Pacer();
  readonly #log = new RequestLog(this.#pacer);
  readonly #chat = new BehaviourScript<RecordedChat, ChatBehaviour>({ kind: 'answer', text: defaultChatText });
  readonly #speech = new BehaviourScript<RecordedSpeech, SpeechBehaviour>({ kind: 'voice' });
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #apiKeys: readonly string[] | undefined;
  readonly #prefill: PrefillDialect;
  #habit: ContinuationHabit = 'continues';
  #origin = '';
  #served = 0;
  #closed: Promise<void> | undefined;

  constructor(apiKeys: readonly string[] | undefined, prefill: PrefillDialect) {
    this.#apiKeys = apiKeys;
    this.#prefill = prefill;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    // A client's keep-alive pool must not meet a socket that the server closes at that moment, unless a test says so.
    this.#server.keepAliveTimeout = 60_000;
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        const boundPort = typeof address === 'object' && address !== null ? address.port : port;
        this.#origin = `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
        resolve();
      });
    });
  }

  get url(): string {
    return `${this.#origin}/v1`;
  }

  get origin(): string {
    return this.#origin;
  }

  get requests(): readonly RecordedRequest[] {
    return this.#log.requests;
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  nextChat(behaviour: ChatBehaviour): void {
    this.#chat.next(behaviour);
  }

  nextSpeech(behaviour: SpeechBehaviour): void {
    this.#speech.next(behaviour);
  }

  setDefaultChat(behaviour: ChatBehaviour): void {
    this.#chat.setDefault(behaviour);
  }

  setDefaultSpeech(behaviour: SpeechBehaviour): void {
    this.#speech.setDefault(behaviour);
  }

  setContinuation(habit: ContinuationHabit): void {
    this.#habit = habit;
  }

  chatRule(rule: (request: RecordedChat) => ChatBehaviour | undefined): () => void {
    return this.#chat.rule(rule);
  }

  speechRule(rule: (request: RecordedSpeech) => SpeechBehaviour | undefined): () => void {
    return this.#speech.rule(rule);
  }

  waitForRequest(predicate: (request: RecordedRequest) => boolean, timeoutMs: number): Promise<RecordedRequest> {
    if (this.#closed !== undefined) return Promise.reject(new Error('the fake providers were closed'));
    return this.#log.waitFor(predicate, timeoutMs);
  }

  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#server.close(() => {
        this.#pacer.close();
        resolve();
      });
      for (const socket of this.#sockets) socket.destroy();
      this.#log.close();
    });
    return this.#closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const raw = await readBody(request);
    if (raw === undefined) return;
    const number = (this.#served += 1);
    response.setHeader('x-request-id', `req_fake_${number}`);
    const kind = KIND_BY_PATH.get(path);
    if (kind === undefined) {
      await refuse(new Outlet(response, this.#pacer, () => undefined), unknownPath(method, path));
      return;
    }
    const body = parseObject(raw);
    const record = newRecord(kind, path, request, body ?? {}, this.#prefill);
    this.#log.add(record);
    const outlet = new Outlet(response, this.#pacer, (bytes) => this.#log.addBytes(record, bytes));
    response.once('finish', () => this.#log.settle(record, response.statusCode >= 400 ? 'refused' : 'completed'));
    response.once('close', () => this.#log.settle(record, 'aborted'));
    const refusal = this.#refusal(kind, method, path, request, body);
    if (refusal !== undefined) {
      this.#log.settle(record, 'refused');
      await refuse(outlet, refusal);
      return;
    }
    await this.#play(record, response, outlet, number);
  }

  #refusal(
    kind: Kind,
    method: string,
    path: string,
    { headers }: IncomingMessage,
    body: Readonly<Record<string, unknown>> | undefined,
  ): Refusal | undefined {
    if (method !== 'POST') return wrongMethod(method, path);
    const refusal =
      checkAuthorization(headers.authorization, this.#apiKeys) ?? checkContentType(headers['content-type']);
    if (refusal !== undefined) return refusal;
    if (body === undefined) {
      return badRequest(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library " +
          'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)',
      );
    }
    if (kind === 'speech') return checkSpeechBody(body);
    return checkChatBody(body) ?? checkPrefill(body, this.#prefill);
  }

  /** An exception here comes from a function the test gave: it fails this one request, and says why. */
  async #play(record: RecordedRequest, response: ServerResponse, outlet: Outlet, number: number): Promise<void> {
    try {
      if (record.kind === 'chat') await this.#playChat(record, outlet, number);
      else await playSpeech(this.#speech.choose(record), record.body, outlet);
    } catch (error) {
      const message = `the fake's behaviour failed: ${error instanceof Error ? error.message : String(error)}`;
      if (response.headersSent) response.destroy();
      else await refuse(outlet, { status: 500, message, param: null, code: null });
    }
  }

  #playChat(record: RecordedChat, outlet: Outlet, number: number): Promise<void> {
    const { body } = record;
    const question = { body, open: openAnswerOf(body, this.#prefill), habit: this.#habit };
    return playChat(this.#chat.choose(record), question, outlet, number);
  }
}

function newRecord(
  kind: Kind,
  path: string,
  { headers, socket }: IncomingMessage,
  body: Readonly<Record<string, unknown>>,
  prefill: PrefillDialect,
): RecordedRequest {
  const arrived = { atMs: Date.now(), path, clientPort: socket.remotePort ?? 0, headers } as const;
  const fields = { ...arrived, endedAtMs: undefined, outcome: 'running', bytesSent: 0 } as const;
  if (kind === 'speech') return { kind, body, ...fields, text: typeof body['input'] === 'string' ? body['input'] : '' };
  const { messages } = body;
  const open = openAnswerOf(body, prefill);
  const asked = open?.before ?? (Array.isArray(messages) ? messages.filter(isChatMessage) : []);
  return { kind, body, ...fields, text: lastUserText(asked), asked, given: open?.given };
}

function refuse(outlet: Outlet, refusal: Refusal): Promise<void> {
  const headers = { 'content-type': 'application/json', ...refusal.headers };
  return outlet.answer(refusal.status, headers, errorBody(refusal));
}

/** The whole body; undefined when the client left before its end. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.once('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
    request.once('close', () => resolve(undefined));
    request.on('error', () => resolve(undefined));
  });
}

function parseObject(raw: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
