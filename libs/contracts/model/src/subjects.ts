import type { Incarnation, SessionId, WorkerId } from './ids';

/** The bus contract (PROTOCOL.md, "The bus"). One place makes subjects, so that permissions can be narrow. */
export const subjects = {
  claim: 'claim',
  claimReserve: 'claim.reserve',
  secretKeep: 'secret.keep',
  secretFind: 'secret.find',
  ttsOpen: 'tts.open',
  ttsOpenReserve: 'tts.open.reserve',
  input: (session: SessionId, epoch: number) => `session.${session}.${epoch}.in`,
  output: (session: SessionId) => `session.${session}.out`,
  audio: (session: SessionId) => `session.${session}.audio`,
  report: (session: SessionId) => `session.${session}.report`,
  timings: (session: SessionId) => `session.${session}.timings`,
  anyTimings: 'session.*.timings',
  visemes: (session: SessionId) => `session.${session}.visemes`,
  ttsWorker: (worker: WorkerId) => `tts.${worker}`,
  ownerVoice: (owner: Incarnation) => `owner.${owner}.voice`,
  ownerClaim: (owner: Incarnation) => `owner.${owner}.claim`,
  ownerProbe: (owner: Incarnation) => `owner.${owner}.probe`,
  peer: (incarnation: Incarnation) => `peer.${incarnation}`,
  journal: (session: SessionId) => `journal.${session}`,
  anyJournal: 'journal.*',
} as const;

/** Queue groups: one member of each gets a message. */
export const queueGroups = {
  orchestrators: 'orchestrators',
  tts: 'tts',
  avatar: 'avatar',
} as const;

/** Work for any member of a queue group. Members without room are not asked on `subject`; all of them are in `reserve`. */
export interface WorkGroup {
  subject: string;
  reserve: string;
  queue: string;
}

export const workGroups = {
  claim: { subject: subjects.claim, reserve: subjects.claimReserve, queue: queueGroups.orchestrators },
  ttsOpen: { subject: subjects.ttsOpen, reserve: subjects.ttsOpenReserve, queue: queueGroups.tts },
} as const satisfies Record<string, WorkGroup>;
