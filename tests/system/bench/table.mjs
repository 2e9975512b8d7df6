// BENCHMARKS.md's table from results/*.json.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BEGIN = '<!-- generated: npm run bench -->';
const END = '<!-- end -->';

/** Targets as ratios to the floor, or as an absolute rule. */
const TARGETS = {
  'first audio p50, 1 session': { ratio: 1.4 },
  'first audio p50, 50 sessions': { ratio: 1.4 },
  'first audio p50, 1 session, embedded': { ratio: 1.5 },
  'first audio p50, 50 sessions, embedded': { ratio: 1.5 },
  'first audio p99, 200 sessions': { ratio: 1.5 },
  'interrupt to last stale audio p99, 50 sessions, two of every worker': { ratio: 3, atMost: 2 },
  'the same with a voice at 10 × real time': { ratio: 3, atMost: 2 },
  'CPU µs per audio frame, 300 sessions speaking': { ratio: 1.3 },
  'memory MB of all processes, 300 sessions speaking': { ratio: 1.5 },
  'first audio p99, 80 sessions': { ratio: 1.5 },
  'interrupt to last stale audio p99, 10 sessions, voice at 10 × real time, two of every worker': {
    ratio: 3,
    atMost: 2,
  },
  'CPU µs per audio frame, 80 sessions speaking': { ratio: 1.3 },
  'memory MB of all processes, 80 sessions speaking': { ratio: 1.5 },
};

export function writeTable(repository) {
  const folder = join(repository, 'results');
  const files = readdirSync(folder).filter((file) => /^bench.*\.json$/.test(file));
  const parts = files.sort().map((file) => tableOf(file, JSON.parse(readFileSync(join(folder, file), 'utf8'))));
  const page = join(repository, 'BENCHMARKS.md');
  const text = existsSync(page) ? readFileSync(page, 'utf8') : `# Benchmarks\n\n${BEGIN}\n${END}\n`;
  const before = text.slice(0, text.indexOf(BEGIN) + BEGIN.length);
  const after = text.slice(text.indexOf(END));
  writeFileSync(page, `${before}\n\n${parts.join('\n')}\n${after}`);
}

function tableOf(file, results) {
  const { at, commit, cores, node } = results;
  const lines = [
    `\`results/${file}\`: ${at.slice(0, 10)}, commit ${commit}, ${cores} cores, Node ${node}. Medians; n is runs × turns.`,
    '',
    '| figure | floor | Parley | ratio | target | met | n | lost, stale after confirmation, cross-talk |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...results.rows.map(rowOf),
    ...limitRows(results.limits ?? []),
    '',
  ];
  return lines.join('\n');
}

function rowOf({ name, runs }) {
  const [floor, ours] = Object.entries(runs);
  if (!floor || !ours) return `| ${name} | – | – | – | – | no quiet run | – | – |`;
  const [floorValue, ourValue] = [floor, ours].map(([, list]) => median(list.map((run) => run.value ?? 0)));
  const target = TARGETS[name] ?? { ratio: 1 };
  const limit = Math.max(target.atMost ?? 0, target.ratio * floorValue);
  const rule = target.atMost ? `≤ max(${target.atMost}, ${target.ratio} ×)` : `≤ ${target.ratio} ×`;
  const list = ours[1];
  const sum = (key) => list.reduce((total, run) => total + (run[key] ?? 0), 0);
  const n = `${list.length} × ${Math.round(sum('turns') / list.length)}`;
  const faults = `${sum('lost')}, ${sum('staleAfterAck')}, ${sum('cross') + sum('foreign')}`;
  const ratio = floorValue > 0 ? (ourValue / floorValue).toFixed(2) : '–';
  return `| ${name} | ${floor[0]} ${format(floorValue)} | ${format(ourValue)} | ${ratio} | ${rule} | ${ourValue <= limit ? 'yes' : '**no**'} | ${n} | ${faults} |`;
}

function limitRows(limits) {
  const of = (peer) => limits.find((limit) => limit.peer === peer)?.sessions;
  const [floor, ours] = [of('bus'), of('parley')];
  if (floor === undefined || ours === undefined) return [];
  const met = ours >= 0.75 * floor ? 'yes' : '**no**';
  return [
    `| sessions speaking in real time, p99 late ≤ 50 ms | bus ${floor} | ${ours} | ${floor > 0 ? (ours / floor).toFixed(2) : '–'} | ≥ 0.75 × | ${met} | 1 | – |`,
  ];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

const format = (value) => (value >= 100 ? String(Math.round(value)) : value.toFixed(2));
