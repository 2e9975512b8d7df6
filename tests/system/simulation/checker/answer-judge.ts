import { callOf, dictatedOf } from './names';
import type { ObservationOf, WireEvent } from './observation';
import type { Outages } from './outages';
import type { SeenResponse } from './seen-response';
import type { Fail } from './violation';

/** One answer, whoever asked for it and how often. */
interface Script {
  /** All that is meant to be said. */
  readonly text: string;
  /** The call that was asked last to write it, or to go on with it. */
  lastCall: number;
  /** How that came to its end. */
  ending: 'whole' | 'short' | undefined;
}

/**
 * G6: what a client reads is one answer of the model's from its beginning, word for word, and all of it where it completed:
 * whoever wrote it down, and however often another process had to ask for the rest.
 */
export class AnswerJudge {
  private readonly scripts = new Map<number, Script>();
  private readonly dictated = new Map<string, string>();
  /** Responses that called a function: asked again the model would call it again, so these are not continued. */
  private readonly calling = new Set<string>();

  constructor(
    private readonly outages: Outages,
    private readonly fail: Fail,
  ) {}

  sent(event: WireEvent): void {
    const text = String(event['text']);
    if (event.type === 'parley.say') this.dictated.set(dictatedOf(text) ?? '', text);
  }

  asked({ call, continues, answer }: ObservationOf<'asked'>): void {
    if (continues === null) {
      this.scripts.set(call, { text: answer, lastCall: call, ending: undefined });
      return;
    }
    const script = this.scripts.get(callOf(continues) ?? 0);
    if (script?.text.startsWith(continues) !== true) {
      return this.fail('G6 transcript', `the model was asked to continue "${continues}", which it did not write`);
    }
    script.lastCall = call;
    script.ending = undefined;
  }

  answered({ call, what }: ObservationOf<'answered'>): void {
    if (what === 'text') return;
    for (const script of this.scripts.values()) if (script.lastCall === call) script.ending = what;
  }

  event(event: WireEvent, response: SeenResponse | undefined): void {
    if (response === undefined) return;
    switch (event.type) {
      case 'response.output_audio_transcript.delta':
        return this.judgeText(response);
      case 'response.function_call_arguments.done':
        return void this.calling.add(response.id);
      case 'response.done':
        if (response.status === 'completed' || response.status === 'incomplete') this.judgeEnd(response);
    }
  }

  private judgeText({ id, texts, text }: SeenResponse): void {
    const newest = texts.at(-1)?.trim();
    if (texts.slice(0, -1).some((each) => each.trim() === newest)) {
      this.fail('G6 said-twice', `${id} says "${newest}" twice`);
    }
    const intended = this.intended(text);
    // What no model wrote and nobody dictated is G4's.
    if (intended === undefined || intended.startsWith(text)) return;
    this.fail('G6 transcript', `${id} says "${text}" of "${intended}"`);
  }

  private judgeEnd({ id, text, createdMs }: SeenResponse): void {
    const intended = this.intended(text);
    if (intended === undefined || intended.trimEnd() === text.trimEnd()) return;
    const script = this.scripts.get(callOf(text) ?? 0);
    if (script?.ending === 'short') return;
    if (this.calling.has(id) && !this.outages.calmSince(createdMs)) return;
    this.fail('G6 whole', `${id} completed with "${text}" of "${intended}"`);
  }

  private intended(text: string): string | undefined {
    return this.scripts.get(callOf(text) ?? 0)?.text ?? this.dictated.get(dictatedOf(text) ?? '');
  }
}
