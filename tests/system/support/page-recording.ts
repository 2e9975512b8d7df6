import { z } from 'zod';

/** From here on something is heard, and below here nothing is. RMS of a window of 21 ms. */
export const SOUND_RMS = 0.01;
export const SILENCE_RMS = 0.001;

/** 512 samples at 24 kHz, or 1,024 at 48 kHz: what one level tells about. */
const LEVEL_WINDOW_MS = 512 / 24;
/** 8,192 samples at 24 kHz: how far back a frame's peak and tones look. */
export const LONG_WINDOW_MS = 8192 / 24;

const momentSchema = z.object({
  /** The page's `performance.now()`. */
  atMs: z.number(),
  /** The page's audio clock: which sound was just made. */
  audioMs: z.number(),
});
const frameSchema = momentSchema.extend({
  /** Of the last 21 ms. */
  rms: z.number(),
  /** Largest amplitude of the last 341 ms, so that no sound hides between two frames. */
  peak: z.number(),
  /** Levels of the watched tones in the last 341 ms; a full-scale sine has about -14. */
  tonesDb: z.array(z.number()),
  /** Length of the newest answer's text. */
  answerCharacters: z.number(),
});
const drainSchema = z.object({
  frames: z.array(frameSchema),
  mouths: z.array(momentSchema.extend({ open: z.number() })),
  states: z.array(momentSchema.extend({ state: z.string() })),
  actions: z.array(momentSchema.extend({ action: z.enum(['send', 'interrupt', 'escape']) })),
  violations: z.array(z.string()),
});

export type Moment = z.infer<typeof momentSchema>;
export type Frame = z.infer<typeof frameSchema>;
type Drain = z.infer<typeof drainSchema>;

/** What is so in a stretch of the audio clock. */
export interface Loudness {
  frames: number;
  /** Longest time between two looks, the edges of the stretch included. */
  longestGapMs: number;
  loudestRms: number;
  /** Over every sample of the stretch that a frame's long window tells about alone. */
  loudestPeak: number;
}

/** All that page-ear.cjs told of a page since it was opened, in order. Places are on the audio clock, in ms. */
export class PageRecording {
  readonly frames: Frame[] = [];
  readonly mouths: Drain['mouths'] = [];
  readonly states: Drain['states'] = [];
  readonly actions: Drain['actions'] = [];
  readonly violations: string[] = [];

  add(drained: unknown): void {
    const { frames, mouths, states, actions, violations } = drainSchema.parse(drained);
    this.frames.push(...frames);
    this.mouths.push(...mouths);
    this.states.push(...states);
    this.actions.push(...actions);
    this.violations.push(...violations);
  }

  latest(action: Drain['actions'][number]['action']): Moment {
    const found = this.actions.findLast((each) => each.action === action);
    if (found === undefined) throw new Error(`the page has seen no ${action}`);
    return found;
  }

  /** The states shown from this moment on. */
  statesSince({ atMs }: Moment): string[] {
    return this.states.filter((each) => each.atMs >= atMs).map(({ state }) => state);
  }

  framesBetween(fromMs: number, toMs = Infinity): Frame[] {
    return this.frames.filter(({ audioMs }) => audioMs >= fromMs && audioMs <= toMs);
  }

  loudBetween(fromMs: number, toMs = Infinity): Frame[] {
    return this.framesBetween(fromMs, toMs).filter(({ rms }) => rms > SOUND_RMS);
  }

  /** How long something was heard. A level vouches for its own window and no more. */
  soundMs(fromMs: number, toMs = Infinity): number {
    const loud = this.loudBetween(fromMs, toMs);
    return loud.reduce((sum, { audioMs }, index) => {
      const beforeMs = loud[index - 1]?.audioMs ?? -Infinity;
      return sum + Math.min(LEVEL_WINDOW_MS, audioMs - beforeMs);
    }, 0);
  }

  loudness(fromMs: number, toMs: number): Loudness {
    const frames = this.framesBetween(fromMs, toMs);
    const places = [fromMs, ...frames.map(({ audioMs }) => audioMs), toMs];
    return {
      frames: frames.length,
      longestGapMs: max(places.slice(1).map((place, index) => place - (places[index] ?? fromMs))),
      loudestRms: max(frames.map(({ rms }) => rms)),
      loudestPeak: max(this.framesBetween(fromMs + LONG_WINDOW_MS, toMs).map(({ peak }) => peak)),
    };
  }

  /** How often the mouth went from almost closed to clearly open while something was heard. */
  mouthOpenings(fromMs: number, toMs = Infinity): number {
    let openings = 0;
    let isOpen = false;
    for (const { audioMs, open } of this.mouths) {
      if (audioMs < fromMs || audioMs > toMs) continue;
      if (isOpen ? open > 0.15 : open < 0.3) continue;
      isOpen = !isOpen;
      if (isOpen && this.loudBetween(audioMs - 100, audioMs + 100).length > 0) openings += 1;
    }
    return openings;
  }

  /** The mouths that were drawn when nothing had sounded for 250 ms, nor does within the next 30 ms. */
  mouthsInSilence(fromMs = 0, toMs = Infinity): number[] {
    const silentAt = this.frames.filter(({ peak }) => peak < SILENCE_RMS).map(({ audioMs }) => audioMs);
    return this.mouths
      .filter(({ audioMs }) => audioMs >= fromMs && audioMs <= toMs)
      .filter(({ audioMs }) =>
        silentAt.some((place) => place >= audioMs + 30 && place <= audioMs + LONG_WINDOW_MS - 250),
      )
      .map(({ open }) => open);
  }
}

const max = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 0);
