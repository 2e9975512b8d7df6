// The diagram of phases and regions: what the types say there is, and what steps were seen to do with it.

/**
 * @typedef {import('./regions.mjs').Region} Region
 * @typedef {import('./changes.cjs').Change & { input: string | null, isClient?: boolean }} Transition `input` null: the beginning
 */

/** More kinds of client inputs than these say no more than that any may do it. */
const MAX_CLIENT_KINDS = 4;
const KINDS_PER_LINE = 3;

/**
 * Stages that nothing was seen to enter.
 *
 * @param {Region[]} regions
 * @param {Transition[]} transitions
 */
export const unreached = (regions, transitions) =>
  regions.flatMap(({ name, stages }) =>
    stages
      .filter((stage) => !transitions.some(({ region, to }) => region === name && to === stage))
      .map((stage) => `${name}: no test of the engine enters "${stage}"`),
  );

/**
 * @param {Region[]} regions
 * @param {Transition[]} transitions
 * @returns {string} mermaid
 */
export function draw(regions, transitions) {
  const blocks = regions.flatMap((region) => [
    `  state "${titleOf(region)}" as ${idOf(region.name)} {`,
    ...region.stages.map((stage) => `    state "${stage}" as ${idOf(region.name, stage)}`),
    ...arrowsOf(region, transitions).map((arrow) => `    ${arrow}`),
    '  }',
  ]);
  return ['stateDiagram-v2', ...blocks].join('\n');
}

/** @param {Region} region */
function titleOf({ name, each, inside }) {
  return [
    name,
    ...(each ? [`one per ${each}`] : []),
    ...(inside ? [`inside ${inside.stages.join(' and ')}`] : []),
  ].join(', ');
}

/**
 * @param {Region} region
 * @param {Transition[]} transitions
 */
function arrowsOf(region, transitions) {
  const ends = [null, ...region.stages];
  return ends.flatMap((from) =>
    ends.flatMap((to) => {
      const own = transitions.filter((each) => each.region === region.name && each.from === from && each.to === to);
      // What is inside another region comes and goes with it, which is drawn there.
      if (own.length === 0 || (region.inside && to === null)) return [];
      const label = region.inside && from === null ? '' : labelOf(own);
      return [`${endOf(region.name, from)} --> ${endOf(region.name, to)}${label === '' ? '' : `: ${label}`}`];
    }),
  );
}

/** Kinds of inputs, client inputs first; too many of those under one name. @param {Transition[]} transitions */
function labelOf(transitions) {
  const kinds = (/** @type {boolean} */ ofClient) =>
    transitions
      .flatMap(({ input, isClient }) => (input !== null && (isClient ?? false) === ofClient ? [input] : []))
      .sort();
  const client = kinds(true);
  const names = [...(client.length > MAX_CLIENT_KINDS ? ['client inputs'] : client), ...kinds(false)];
  const lines = Array.from({ length: Math.ceil(names.length / KINDS_PER_LINE) }, (_none, index) =>
    names.slice(index * KINDS_PER_LINE, (index + 1) * KINDS_PER_LINE).join(', '),
  );
  return lines.join(',<br/>');
}

/** @param {string} region @param {string | null} stage */
const endOf = (region, stage) => (stage === null ? '[*]' : idOf(region, stage));

/** Mermaid knows a state by its id in the whole diagram. @param {string[]} names */
const idOf = (...names) => names.join('_').replace(/\W/g, '_');
