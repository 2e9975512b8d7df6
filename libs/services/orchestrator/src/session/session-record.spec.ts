import { DEFAULT_SETTINGS, SCHEMA_VERSION } from '@parley/model';
import { initialState, type EngineState } from '@parley/turn-engine';
import { CONFIG, GATEWAY, SESSION } from '../orchestrator-stage.fixture';
import { decodeRecord, encodeRecord, type SessionRecord } from './session-record';

const { instructions, model, voice } = CONFIG;
const engine: EngineState = {
  ...initialState({
    sessionId: SESSION,
    model,
    instructions,
    otherModels: [],
    defaultInstructions: instructions,
    voice,
    tools: [],
    toolChoice: 'auto',
    settings: DEFAULT_SETTINGS,
    avatar: null,
    capabilities: [],
    resumable: true,
    expiresAtS: null,
  }),
  policy: { busy: 'queue' },
  queue: [
    {
      ...{ turnId: 'turn_2', text: 'And tomorrow?', itemId: 'user_2', responseId: 'resp_2', answerId: 'answer_2' },
      kind: 'transcript',
      cause: { attachment: 1, seq: 2 },
    },
  ],
};
const record: SessionRecord = {
  v: SCHEMA_VERSION,
  engine,
  connection: { attachment: 1, lastSeq: 2, gateway: GATEWAY, connectionId: null },
  resume: { token: 'sess_1.b', previous: 'sess_1.a' },
  lastClientEventId: 'event_7',
  outSeq: 0,
  acknowledgedOutSeq: 0,
  outbox: [],
  voice: null,
};

describe('a stored session', () => {
  it('is read as it was written, with the turns that wait', () => {
    expect(decodeRecord(encodeRecord(record))).toEqual({ ok: true, record });
  });

  it('of a release that knew fewer regions has none of them', () => {
    const {
      policy,
      queue,
      speculation,
      speech,
      pause,
      presence,
      muted,
      calls,
      avatar,
      connection,
      finished,
      ...older
    } = engine;
    expect([policy, queue]).not.toEqual([{}, []]);
    const bytes = new TextEncoder().encode(JSON.stringify({ ...record, engine: older }));
    expect(decodeRecord(bytes)).toMatchObject({
      ok: true,
      record: {
        engine: {
          policy: {},
          queue: [],
          speculation,
          speech,
          pause,
          presence,
          muted,
          calls,
          avatar,
          connection,
          finished,
        },
      },
    });
  });

  it('that does not fit is refused by the name of the field, without its value', () => {
    const spoiled = { ...record, engine: { ...engine, queue: [{ ...engine.queue[0], text: 7 }] } };
    const decoded = decodeRecord(new TextEncoder().encode(JSON.stringify(spoiled)));
    expect(decoded).toEqual({ ok: false, reason: expect.stringContaining('engine.queue.0.text') });
  });
});
