import type { ReplayedStep } from '@parley/replay';

/** Words for what the engine took and ordered, whatever kinds there are: this page has no list of them. */

const INPUT_TEXT_CHARS = 60;
const EFFECT_TEXT_CHARS = 40;

type Effect = ReplayedStep['effects'][number];

export function describeInput(input: { kind: string }): string {
  const inner = fieldOf(input, 'input');
  const kind = fieldOf(inner, 'kind');
  const text = fieldOf(input, 'text') ?? fieldOf(inner, 'text');
  return [input.kind, ...(typeof kind === 'string' ? [kind] : []), ...quoted(text, INPUT_TEXT_CHARS)].join(' ');
}

/** Several of one kind behind one another count together. */
export function describeEffects(effects: readonly Effect[]): string {
  const groups: { what: string; count: number }[] = [];
  for (const effect of effects) {
    const what = describeEffect(effect);
    const last = groups.at(-1);
    if (last?.what === what) last.count++;
    else groups.push({ what, count: 1 });
  }
  return groups.map(({ what, count }) => (count === 1 ? what : `${what} ×${count}`)).join(', ');
}

function describeEffect(effect: Effect): string {
  if (effect.kind === 'emit') return effect.output.kind === 'event' ? effect.output.event.type : effect.output.kind;
  if (effect.kind === 'observe') return `observe ${effect.observation.name}`;
  return [effect.kind, ...quoted(fieldOf(effect, 'text'), EFFECT_TEXT_CHARS)].join(' ');
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

/** What people and models say must not steer the terminal. */
function quoted(text: unknown, chars: number): string[] {
  if (typeof text !== 'string') return [];
  const shown = [...text.replace(/\p{C}/gu, '·')];
  return [`“${shown.length > chars ? `${shown.slice(0, chars - 1).join('')}…` : shown.join('')}”`];
}
