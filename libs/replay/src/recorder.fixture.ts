import { DEFAULT_POLICY, DEFAULT_SETTINGS, effectsHash, STEP_THREW, type JournalEntry } from '@parley/model';
import type { JournalRecord } from '@parley/ports';
import { encodeEnvelope } from '@parley/schemas';
import { initialState, step, type EngineInput, type EngineState } from '@parley/turn-engine';

export const NEW_STATE = initialState({
  ...{
    sessionId: 'sess_one',
    model: 'm',
    otherModels: [],
    defaultInstructions: '',
    instructions: 'Be brief.',
    voice: null,
  },
  ...{
    tools: [],
    toolChoice: 'auto',
    settings: DEFAULT_SETTINGS,
    avatar: null,
    resumable: false,
    expiresAtS: null,
    capabilities: ['text'],
  },
});

/** What owners do, and what of it is recorded: the entries of one session, for a test to take apart. */
export class Recorder {
  readonly entries: JournalEntry[] = [];
  state: EngineState = NEW_STATE;
  /** As the last write stored it. */
  stored: EngineState = NEW_STATE;
  private epoch = 0;
  private steps = 0;
  private nowMs = 1_000;

  /** The next owner, over the stored state. */
  open(rev: number): void {
    this.state = structuredClone(this.stored);
    this.steps = 0;
    const engine = { state: this.state, policy: DEFAULT_POLICY };
    const owner = `orc_${++this.epoch}` as const;
    this.entries.push({ kind: 'opened', epoch: this.epoch, step: 0, nowMs: this.nowMs, owner, rev, engine });
  }

  take(...inputs: EngineInput[]): void {
    for (const input of inputs) {
      this.nowMs += 20;
      const entry = { kind: 'stepped', epoch: this.epoch, step: ++this.steps, nowMs: this.nowMs, input } as const;
      try {
        const result = step(this.state, input, this.nowMs, DEFAULT_POLICY);
        this.state = result.state;
        this.entries.push({ ...entry, effects: effectsHash(result.effects) });
      } catch {
        this.entries.push({ ...entry, effects: STEP_THREW });
      }
    }
  }

  write(): void {
    this.stored = this.state;
  }
}

/** One stored a second, from the first one's second on. */
export const recordsOf = (entries: readonly JournalEntry[]): JournalRecord[] =>
  entries.map((entry, index) => ({ storedAtMs: 1_000 * (index + 1), payload: encodeEnvelope('', entry) }));

/** A turn that is answered. */
export const TURN: readonly EngineInput[] = [
  { kind: 'attached' },
  {
    kind: 'client',
    number: { attachment: 1, seq: 1 },
    closedOrdinal: 0,
    input: {
      ...{ kind: 'final-transcript', turnId: 't1', text: 'Tell me.', itemId: 'item_1' },
      ...{ responseId: 'resp_1', answerId: 'item_2' },
    },
  },
  { kind: 'voice-bound', lane: 0, ordinal: 1, attempt: 1 },
  { kind: 'text-generated', lane: 0, ordinal: 1, text: 'One two three four five. ' },
  { kind: 'text-generated', lane: 0, ordinal: 1, text: 'Six seven' },
  { kind: 'text-generated', lane: 0, ordinal: 1, text: ' eight nine ten.' },
];
