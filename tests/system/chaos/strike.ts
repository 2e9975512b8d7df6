import type { RandomPort } from '@parley/ports';
import { Redis } from 'ioredis';
import type { ClusterMember } from '../support/cluster-process';
import type { Crowd } from './crowd';
import type { Lines } from './lines';
import { WEIGHED_MOMENTS, type Moment } from './moment';
import type { Role, Scene } from './scene';
import type { Sight, Witness } from './witness';
import { sleep } from '../support/sleep';

export interface Stage {
  scene: Scene;
  witness: Witness;
  crowd: Crowd;
  lines: Lines;
  random: RandomPort;
  /** How long a bus or a store that is taken away stays away. */
  awayMs: number;
  aimMs: Aim;
  /** Of the moments that need their share, the one that was hit least so far. */
  rarest(): Moment;
}

/** So long a strike waits until a third of what it hits is in the moment that was hit least so far. */
export interface Aim {
  kill: number;
  /** It hits all, and puts all in step. */
  outage: number;
}

export interface Hit {
  turnId: string;
  moment: Moment;
  /** See {@link Sight}. */
  counts: boolean;
}

/** One blow, and the turns it fell on. */
export interface Strike {
  target: string;
  hits: Hit[];
  /** Of an owner that slept and woke: what it still did. */
  afterWaking?: Misdeeds;
}

export interface Misdeeds {
  /** Sessions whose stored state went back behind what was written. */
  doubleWrites: number;
  /** What providers did because of it, of turns of others. */
  ordersObeyed: number;
}

const STOP_MS = 10_000;
const WATCH_WOKEN_MS = 2_000;
const WATCH_EVERY_MS = 10;
/** Longer than a client waits for a sign of life. */
const BLACKHOLE_MS = 2_000;

const hitsOf = (sights: readonly Sight[]): Hit[] =>
  sights.map(({ turnId, moment, counts }) => ({ turnId, moment, counts }));

/** What a sight says of who carried it. */
type Carrier = (sight: Sight, member: ClusterMember) => boolean;

const CARRIES: Record<'gateway' | 'orchestrator' | 'tts', Carrier> = {
  gateway: ({ talk }, { metricsUrl }) => talk.address === new URL(metricsUrl).origin,
  orchestrator: ({ owner }, { pid }) => owner === pid,
  tts: ({ voice }, { pid }) => voice === pid,
};

/** `kill -9` of one of those that carry a turn. Undefined when nobody does at the moment. */
export async function killOne(stage: Stage, role: keyof typeof CARRIES): Promise<Strike | undefined> {
  await stage.scene.canSpareOne(role);
  const found = await aimAt(stage, role);
  if (!found) return undefined;
  const gone = stage.scene.kill(found.member);
  const strike = { target: nameOf(found.member), hits: hitsOf(found.carried) };
  await gone;
  return strike;
}

interface Found {
  member: ClusterMember;
  carried: Sight[];
}

/** More than its share is in the moment that was hit least so far. */
const isWorthIt = (stage: Stage, sights: readonly Sight[]): boolean =>
  sights.filter(({ moment }) => moment === stage.rarest()).length > sights.length / WEIGHED_MOMENTS.length;

/** One of those that carry a turn, at a moment that is worth it. */
const aimAt = (stage: Stage, role: keyof typeof CARRIES): Promise<Found | undefined> =>
  aim(
    () => choose(stage, role),
    ({ carried }) => isWorthIt(stage, carried),
    stage.aimMs.kill,
  );

/** Looks until what is found is worth a strike; after so long the next best will do. */
async function aim<T>(
  look: () => Promise<T | undefined>,
  isGood: (found: T) => boolean,
  atMostMs: number,
): Promise<T | undefined> {
  const untilMs = performance.now() + atMostMs;
  let found = await look();
  while (found && !isGood(found) && performance.now() < untilMs) {
    await sleep(WATCH_EVERY_MS);
    found = await look();
  }
  return found;
}

async function choose(
  { scene, witness, crowd, random }: Stage,
  role: keyof typeof CARRIES & Role,
): Promise<Found | undefined> {
  const sights = await witness.look(crowd.talks);
  const candidates = scene.members(role).flatMap((member) => {
    const carried = sights.filter((sight) => CARRIES[role](sight, member));
    return carried.length > 0 ? [{ member, carried }] : [];
  });
  return candidates[Math.floor(random.fraction() * candidates.length)];
}

/** As a deploy goes through them. */
const DEPLOYED: readonly (keyof typeof CARRIES)[] = ['orchestrator', 'tts', 'gateway'];

/** SIGTERM of the next process in the order of a deploy; resolves when it is gone and its successor is up. */
export async function restartNext({ scene, witness, crowd }: Stage, done: number): Promise<Strike | undefined> {
  const order = DEPLOYED.flatMap((role) => scene.members(role).map((member) => ({ role, member })));
  const next = order[done % order.length];
  if (!next) return undefined;
  const { role, member } = next;
  const sights = await witness.look(crowd.talks);
  const back = scene.restart(member);
  const carried = sights.filter((sight) => CARRIES[role](sight, member));
  await back;
  return { target: nameOf(member), hits: hitsOf(carried) };
}

const nameOf = ({ role, index, pid }: ClusterMember): string => `${role} ${index} (${pid})`;

/** Half of the lines of clients in mid-turn, cut by a reset, or silent for a time as if somebody had pulled a cable. */
export async function cutLines(stage: Stage, how: 'reset' | 'blackhole'): Promise<Strike | undefined> {
  const { witness, crowd, lines, random } = stage;
  const sights = await witness.look(crowd.talks);
  // One whose other line is still silent could not come back at once.
  const reachable = sights.filter(({ talk }) => !talk.addresses.some((address) => lines.isSilent(address)));
  const victims = reachable.filter(() => random.fraction() < 0.5);
  if (victims.length === 0) return undefined;
  for (const { talk } of victims) {
    if (how === 'reset') lines.cut(talk.address);
    else lines.silence(talk.address, BLACKHOLE_MS);
  }
  return { target: `${victims.length} lines`, hits: hitsOf(victims) };
}

/** What every turn stands on is killed; resolves when it is back. */
export async function takeAway(stage: Stage, what: 'bus' | 'store' | 'primary'): Promise<Strike | undefined> {
  const { scene, witness, crowd, awayMs } = stage;
  const { servers } = scene;
  const sights = await aim(
    () => witness.look(crowd.talks),
    (seen) => isWorthIt(stage, seen),
    stage.aimMs.outage,
  );
  if (!sights || sights.length === 0) return undefined;
  if (what === 'bus') await servers.dropBus(awayMs);
  else if (what === 'store') await servers.dropStore(awayMs);
  else await servers.failOver();
  return { target: what, hits: hitsOf(sights) };
}

/** SIGSTOP of an owner for 10 s; then it wakes up, and what it does is watched. */
export async function stopOwner(stage: Stage): Promise<Strike | undefined> {
  const found = await aimAt(stage, 'orchestrator');
  if (!found) return undefined;
  const { member, carried } = found;
  process.kill(member.pid, 'SIGSTOP');
  await sleep(STOP_MS);
  const wokenMs = performance.now();
  const watch = watchRecords(stage, carried);
  process.kill(member.pid, 'SIGCONT');
  const doubleWrites = await watch;
  // Nobody had missed it, and it owns what it owned: that is no misdeed.
  const talks = await stage.witness.lostBy(
    member.pid,
    carried.map(({ talk }) => talk),
  );
  const ordersObeyed = stage.witness.causedBy(member.pid, talks, wokenMs);
  return { target: nameOf(member), hits: hitsOf(carried), afterWaking: { doubleWrites, ordersObeyed } };
}

/** How often a session's epoch, or its last write, was older than one seen before. */
async function watchRecords({ scene }: Stage, carried: readonly Sight[]): Promise<number> {
  const newest = new Map<string, readonly number[]>();
  let doubleWrites = 0;
  const untilMs = performance.now() + WATCH_WOKEN_MS;
  const redis = new Redis(scene.servers.primary.url);
  while (performance.now() < untilMs) {
    for (const { talk } of carried) {
      const key = `parley:{${talk.sessionId}}:state`;
      const record = await redis.hmget(key, 'epoch', 'writtenEpoch', 'rev');
      // Gone: a session that its client has ended leaves its epoch alone.
      if (record.includes(null)) continue;
      const now = record.map(Number);
      if (isOlder(now, newest.get(key) ?? now)) doubleWrites++;
      newest.set(key, now);
    }
    await sleep(WATCH_EVERY_MS);
  }
  redis.disconnect();
  return doubleWrites;
}

function isOlder(now: readonly number[], before: readonly number[]): boolean {
  const differs = now.findIndex((value, index) => value !== before[index]);
  return differs >= 0 && (now[differs] ?? 0) < (before[differs] ?? 0);
}
