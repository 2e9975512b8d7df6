import type { ProviderFailure, RateLimit } from '@parley/model';
import type { LlmEvent, LlmPort, LlmRequest, LogPort, TimersPort } from '@parley/ports';
import OpenAI from 'openai';
import { readAnswer } from './answer-reader';
import type { Prefill } from './continuation';
import { EventStreamClient, type Endpoint } from './event-stream-client';
import { failureOfAnswer, unreachable } from './failures';
import type { AnswerBody } from './message-body';
import { rateLimitsOf } from './rate-limits';
import { requestBody, type LimitField, type RequestForm } from './request-body';

const OPENAI_BASE_URL = 'https://api.openai.com/v1';
/** The SDK insists on a key; servers on one's own machine do not look at it. */
const NO_KEY = 'none';
/** What servers answer to a parameter they do not know. */
const PARAMETER_REFUSED = [400, 422];

export interface OpenAiLlmOptions {
  /** Used as given, with or without a final slash, e.g. `http://127.0.0.1:11434/v1`. Default: OpenAI's own. */
  baseUrl?: string | undefined;
  /** Left out for servers that need none. */
  apiKey?: string | undefined;
  /** Of requests that name none. */
  model: string;
  /** What the server can do to complete a partial answer. Default `none`: it is told to in words. */
  prefill?: Prefill;
  log: LogPort;
  timers: TimersPort;
}

/**
 * A language model over `POST {baseUrl}/chat/completions`, streamed, as OpenAI, Ollama, vLLM, llama.cpp and others
 * speak it.
 *
 * Every millisecond before the first token is heard as silence, so the SDK says how its API is addressed and typed, once,
 * and requests and streams are our own: through the SDK each answer took 0.3 ms longer with warm code and 0.4 ms
 * with cold (Node 20; medians of about 100 turns).
 */
export const createOpenAiLlm = (options: OpenAiLlmOptions): LlmPort => new OpenAiLlm(options);

const UNUSABLE: ProviderFailure = {
  kind: 'rejected',
  message: 'The language model’s URL or API key has characters that no request can carry.',
};

type Opened =
  | { kind: 'opened'; body: AnswerBody; rateLimits: RateLimit[] }
  | { kind: 'refused'; status: number | undefined; failure: ProviderFailure };

class OpenAiLlm implements LlmPort {
  readonly continuation: LlmPort['continuation'];
  private readonly client = new EventStreamClient();
  private endpoint: Promise<Endpoint | undefined> | undefined;
  private readonly running = new Set<AbortController>();
  private closed = false;
  /** Learned from the server's refusal. */
  private askForUsage = true;
  private limit: LimitField = 'max_tokens';
  private readonly prefill: Prefill;

  constructor(private readonly options: OpenAiLlmOptions) {
    this.prefill = options.prefill ?? 'none';
    this.continuation = this.prefill === 'none' ? 'instruct' : 'prefill';
  }

  async *generate(request: LlmRequest, signal: AbortSignal): AsyncGenerator<LlmEvent, void> {
    if (signal.aborted || this.closed) return;
    const run = new AbortController();
    const abort = (): void => run.abort();
    signal.addEventListener('abort', abort, { once: true });
    this.running.add(run);
    let isRead = false;
    try {
      const opened = await this.open(request, run.signal);
      if (run.signal.aborted) return;
      if (opened.kind === 'refused') yield { kind: 'failed', failure: opened.failure };
      else {
        const { body, rateLimits } = opened;
        const expected = { mayBeEmpty: isContinued(request), rateLimits };
        isRead = yield* readAnswer(body, run.signal, this.options.timers, expected);
      }
    } finally {
      signal.removeEventListener('abort', abort);
      this.running.delete(run);
      // Also when the consumer left. A body read to its end has nothing to abort, and its connection stays.
      if (!isRead) run.abort();
    }
  }

  close(): Promise<void> {
    this.closed = true;
    for (const run of this.running) run.abort();
    this.client.close();
    return Promise.resolve();
  }

  /** A model that cannot complete its answer, though its server can, is told in words: it must not fall silent. */
  private async open(request: LlmRequest, signal: AbortSignal): Promise<Opened> {
    const opened = await this.openAs(this.prefill, request, signal);
    if (!isParameterRefused(opened) || this.prefill === 'none' || !isContinued(request) || signal.aborted)
      return opened;
    const instructed = await this.openAs('none', request, signal);
    if (instructed.kind === 'opened') this.options.log.warn('the language model refused to complete a partial answer');
    return instructed;
  }

  private async openAs(prefill: Prefill, request: LlmRequest, signal: AbortSignal): Promise<Opened> {
    const { limit } = this;
    const opened = await this.openLimited({ prefill, limit }, request, signal);
    const isLimited = request.maxOutputTokens !== undefined && request.maxOutputTokens !== 'inf';
    if (!isParameterRefused(opened) || !isLimited || limit !== 'max_tokens' || signal.aborted) return opened;
    const again = await this.openLimited({ prefill, limit: 'max_completion_tokens' }, request, signal);
    // Not before it is known: others ask meanwhile.
    if (again.kind === 'opened') this.limit = 'max_completion_tokens';
    return again;
  }

  private async openLimited(
    { prefill, limit }: Omit<RequestForm, 'withUsage'>,
    request: LlmRequest,
    signal: AbortSignal,
  ): Promise<Opened> {
    const withUsage = this.askForUsage;
    const opened = await this.post(request, { withUsage, prefill, limit }, signal);
    if (!isParameterRefused(opened) || !withUsage || signal.aborted) return opened;
    const again = await this.post(request, { withUsage: false, prefill, limit }, signal);
    if (again.kind === 'opened' && this.askForUsage) {
      this.askForUsage = false;
      this.options.log.info('the language model does not report usage');
    }
    return again;
  }

  private async post(request: LlmRequest, form: RequestForm, signal: AbortSignal): Promise<Opened> {
    const body = requestBody(request, request.model ?? this.options.model, form);
    const endpoint = await (this.endpoint ??= endpointOf(this.options));
    if (!endpoint) return { kind: 'refused', status: undefined, failure: UNUSABLE };
    const posted = await this.client.post(endpoint, JSON.stringify(body), signal);
    switch (posted.kind) {
      case 'stream':
        return { kind: 'opened', body: posted.body, rateLimits: rateLimitsOf(posted.headers) };
      case 'answered':
        return { kind: 'refused', status: posted.status, failure: failureOfAnswer(posted, 'tools' in body) };
      case 'unreachable':
        return { kind: 'refused', status: undefined, failure: unreachable(posted.code) };
      case 'aborted':
        return { kind: 'refused', status: undefined, failure: unreachable('ABORTED') };
    }
  }
}

const isParameterRefused = (opened: Opened): boolean =>
  opened.kind === 'refused' && PARAMETER_REFUSED.includes(opened.status ?? 0);

/** Then there may be nothing left to say. */
const isContinued = ({ continues }: LlmRequest): boolean => continues !== null && continues.trim() !== '';

/** Address and headers of every request, as the SDK makes them; undefined when it can make none of these settings. */
async function endpointOf({ apiKey, baseUrl }: OpenAiLlmOptions): Promise<Endpoint | undefined> {
  try {
    const sdk = new OpenAI({
      apiKey: apiKey ?? NO_KEY,
      baseURL: baseUrl ?? OPENAI_BASE_URL,
      // What the SDK would otherwise take from the environment: our configuration is elsewhere.
      organization: null,
      project: null,
      logLevel: 'off',
    });
    const { url, req } = await sdk.buildRequest({ method: 'post', path: '/chat/completions', body: {} });
    return { url: new URL(url), headers: Object.fromEntries(req.headers) };
  } catch {
    return undefined;
  }
}
