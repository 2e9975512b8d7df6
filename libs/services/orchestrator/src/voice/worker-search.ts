import { workGroups, type ProviderFailure, type VoiceOpen, type VoiceOpenReply, type WorkerId } from '@parley/model';
import type { BusPort, TimersPort } from '@parley/ports';
import { busSchemas } from '@parley/schemas';
import { ask, askGroup, type Answer } from '@parley/service-link';

/** A worker that lives answers within milliseconds. After a longer silence another one is asked too. */
const FIRST_WORD_MS = 150;
/** 4.5 s of silence: as long as the engine waits for a voice, less what an answer takes to reach it. */
const OFFERS = 30;
/** In a row. One that is full leaves the group, so another one may have room. */
const FULL_ANSWERS = 3;
/** So long a worker holds a job of which nothing is ordered. One that takes it later ends it by itself. */
const LATE_MS = 60_000;
/** A worker that was lost is started again in a moment. */
const PAUSE_MS = 250;

type Word = Answer<VoiceOpenReply>;

const missing = (message: string): ProviderFailure => ({ kind: 'missing', message });

/**
 * One rendering, offered to the voice workers until one takes it. A worker that is stopped keeps its share of the offers
 * and may wake up, so each stays asked beside the next one, and each acceptance is told, however late.
 */
export class WorkerSearch {
  private isOver = false;
  private endWait: () => void = () => undefined;

  constructor(
    private readonly bus: BusPort,
    private readonly timers: TimersPort,
    private readonly rendering: VoiceOpen,
    private readonly traceparent: string,
    private readonly onAccepted: (worker: WorkerId) => void,
  ) {}

  /** Why no worker took it; undefined when the search was ended. What refuses is asked again while `goesOn` is true. */
  async run(goesOn: () => boolean): Promise<ProviderFailure | undefined> {
    let refusal = await this.offerAround();
    while (refusal && goesOn()) {
      await this.wait(PAUSE_MS);
      refusal = await this.offerAround();
    }
    return refusal;
  }

  /** Nobody else is asked. */
  end(): void {
    this.isOver = true;
    this.endWait();
  }

  private async offerAround(): Promise<ProviderFailure | undefined> {
    let isSilent = false;
    let refusals = 0;
    for (let offers = 0; offers < OFFERS && !this.isOver; offers++) {
      const word: Word | undefined = await Promise.race([this.offer(isSilent), this.wait(FIRST_WORD_MS)]);
      this.endWait();
      isSilent = word === undefined;
      refusals = isSilent ? 0 : refusals + 1;
      const refusal = word && refusalOf(word, refusals);
      if (refusal) return refusal;
    }
    return this.isOver ? undefined : missing('No voice worker answers.');
  }

  /** Whoever is stopped stays in the group, and may be the only one there: after a silence all are asked that work. */
  private async offer(toReserve: boolean): Promise<Word> {
    const { bus, traceparent } = this;
    const question = { traceparent, body: this.rendering, reply: busSchemas.voiceOpenReply, timeoutMs: LATE_MS };
    const answer = await (toReserve
      ? ask(bus, workGroups.ttsOpen.reserve, question)
      : askGroup(bus, workGroups.ttsOpen, question));
    if (answer.kind === 'answer' && answer.body.kind === 'accepted') this.onAccepted(answer.body.worker);
    return answer;
  }

  /** Until the search ends at the latest. */
  private wait(ms: number): Promise<undefined> {
    return new Promise((resolve) => {
      const cancel = this.timers.after(ms, () => resolve(undefined));
      this.endWait = () => {
        cancel();
        resolve(undefined);
      };
    });
  }
}

/** Undefined when another one may take it. */
function refusalOf(word: Word, refusals: number): ProviderFailure | undefined {
  if (word.kind !== 'answer') {
    return word.kind === 'unreadable' && refusals < FULL_ANSWERS ? undefined : missing('No voice worker is running.');
  }
  switch (word.body.kind) {
    case 'accepted':
      return undefined;
    case 'unavailable':
      return missing(word.body.message);
    case 'full':
      return refusals < FULL_ANSWERS ? undefined : missing('All voice workers are busy.');
  }
}
