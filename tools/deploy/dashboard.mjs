// deploy/grafana: one dashboard, of metrics that exist.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../support/root.mjs';

const GRAFANA_DIR = path.join(ROOT, 'deploy/grafana');

/** What the dashboard must show, whatever else it does. */
const REQUIRED_SERIES = [
  'parley_turn_first_token_seconds_bucket',
  'parley_turn_first_audio_seconds_bucket',
  'parley_interrupt_fence_seconds_bucket',
  'parley_interrupt_confirmed_seconds_bucket',
  'parley_sessions_active',
  'parley_errors_total',
  'parley_llm_failures_total',
  'parley_tts_failures_total',
  'parley_stale_chunks_dropped_total',
  'parley_store_write_seconds_bucket',
  'parley_claims_total',
  'parley_takeovers_total',
  'parley_event_loop_lag_seconds',
  'parley_takes_work',
  'nodejs_eventloop_lag_p99_seconds',
  'process_resident_memory_bytes',
];

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'atan2', 'inf', 'nan']);

/**
 * @typedef {{ title: string, expr: string, datasource: string }} Query
 * @typedef {import('./facts.mjs').Facts} Facts
 */

/**
 * @param {Facts} facts
 * @param {import('./compose.mjs').Compose} compose
 * @returns {Promise<{ problems: string[], queries: Query[] }>}
 */
export async function checkGrafana(facts, compose) {
  const read = (/** @type {string} */ file) => readFile(path.join(GRAFANA_DIR, file), 'utf8');
  const dashboard = JSON.parse(await read('dashboards/parley.json'));
  const { datasources } = parse(await read('provisioning/datasources/prometheus.yml'));
  const { providers } = parse(await read('provisioning/dashboards/parley.yml'));
  const queries = queriesOf(dashboard);
  const mounts = (compose.services.grafana?.volumes ?? []).map((volume) => volume.split(':')[1]);
  const problems = [
    ...checkDashboard(dashboard, facts),
    ...queries
      .filter(({ datasource }) => !datasources.some((/** @type {any} */ { uid }) => uid === datasource))
      .map(({ title, datasource }) => `${title}: there is no data source ${datasource}`),
    ...datasources
      .filter((/** @type {any} */ { url }) => !Object.hasOwn(compose.services, new URL(url).hostname))
      .map((/** @type {any} */ { name }) => `the data source ${name} leads to no service`),
    ...providers
      .filter((/** @type {any} */ { options }) => !mounts.includes(options.path))
      .map((/** @type {any} */ { options }) => `dashboards are read from ${options.path}, where nothing is mounted`),
  ];
  return { problems: problems.map((what) => `grafana: ${what}`), queries };
}

/**
 * @param {any} dashboard
 * @param {Facts} facts
 * @returns {string[]}
 */
export function checkDashboard(dashboard, facts) {
  const queries = queriesOf(dashboard);
  const used = new Map(queries.map((query) => [query, seriesIn(query.expr)]));
  const all = new Set([...used.values()].flat());
  const ids = dashboard.panels.map((/** @type {any} */ { id }) => id);
  return [
    ...(new Set(ids).size === ids.length ? [] : ['two panels have one id']),
    ...overlaps(dashboard.panels),
    ...[...used].flatMap(([{ title }, series]) =>
      series.filter((name) => !facts.series.has(name)).map((name) => `${title}: nobody has the metric ${name}`),
    ),
    ...REQUIRED_SERIES.filter((name) => !all.has(name)).map((name) => `no panel shows ${name}`),
  ];
}

/**
 * @param {any} dashboard
 * @returns {Query[]}
 */
function queriesOf({ panels }) {
  return panels.flatMap((/** @type {any} */ { title, targets = [] }) =>
    targets.map((/** @type {any} */ { expr, datasource }) => ({ title, expr, datasource: datasource.uid })),
  );
}

/**
 * The series that a query reads: every name that is no function, keyword, label or duration.
 *
 * @param {string} expr
 * @returns {string[]}
 */
export function seriesIn(expr) {
  const bare = expr
    .replace(/"[^"]*"|'[^']*'/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)].map(([name]) => name);
  return [...new Set(names)].filter((name) => !KEYWORDS.has(name.toLowerCase()));
}

/** @param {any[]} panels */
function overlaps(panels) {
  const problems = [];
  for (const [index, { title, gridPos: a }] of panels.entries()) {
    if (a.x + a.w > 24) problems.push(`${title} is wider than the page`);
    for (const { title: other, gridPos: b } of panels.slice(index + 1)) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      if (!apart) problems.push(`${title} lies over ${other}`);
    }
  }
  return problems;
}
