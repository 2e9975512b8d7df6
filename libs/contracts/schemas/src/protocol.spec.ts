import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CAPABILITIES,
  CLIENT_SECRETS,
  CLOSE_CODES,
  DEFAULT_POLICY,
  encodeChunk,
  ERROR_CODES,
  INTERRUPTION_MARK,
  KEY_SUBPROTOCOL_PREFIX,
  PARLEY_SUBPROTOCOL,
  queueGroups,
  REALTIME_PATH,
  REALTIME_PATHS,
  SCHEMA_VERSION,
  SECRET_PREFIX,
  subjects,
  wirePolicy,
  type ChunkHeader,
  type ParleyEvent,
} from '@parley/model';
import { z } from 'zod';
import { busSchemas } from './bus-schemas';
import { clientEventSchemas } from './client-event-schemas';
import { CLIENT_LIMITS } from './client-limits';
import { SECRET_LIFE_S } from './client-secret-request';

const document = readFileSync(join(__dirname, '../../PROTOCOL.md'), 'utf8');

type Row = Record<string, string>;

/** Every table of the document as rows by column name, keyed by the first cell of its header. */
function tables(): Row[][] {
  const found: Row[][] = [];
  let columns: string[] | undefined;
  let rows: Row[] = [];
  for (const line of [...document.split('\n'), '']) {
    if (!line.startsWith('|')) {
      if (columns) found.push(rows);
      columns = undefined;
      rows = [];
      continue;
    }
    const cells = line.split('|').slice(1, -1);
    const values = cells.map((cell) => cell.trim());
    if (!columns) columns = values;
    else if (!/^-+$/.test(values[0] ?? '')) {
      const names = columns;
      rows.push(Object.fromEntries(values.map((value, index) => [names[index] ?? '', value])));
    }
  }
  return found;
}

const allTables = tables();
/** The table that has these columns, and `nth` of several. */
function tableOf(columns: string[], nth = 0): Row[] {
  const table = allTables.filter((rows) => columns.every((column) => column in (rows[0] ?? {})))[nth];
  if (table === undefined) throw new Error(`PROTOCOL.md has no table with the columns ${columns.join(', ')}`);
  return table;
}
const cell = (row: Row, column: string): string => row[column] ?? '';
const code = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
const firstCode = (row: Row, column: string): string => code(cell(row, column))[0] ?? '';
const sorted = (names: Iterable<string>): string[] => [...names].sort();

describe('PROTOCOL.md, the bus', () => {
  const session = 'sess_1';
  const process = 'tts_1';
  const made = {
    claim: subjects.claim,
    claimReserve: subjects.claimReserve,
    ttsOpen: subjects.ttsOpen,
    ttsOpenReserve: subjects.ttsOpenReserve,
    input: subjects.input(session, 777),
    output: subjects.output(session),
    audio: subjects.audio(session),
    report: subjects.report(session),
    timings: subjects.timings(session),
    anyTimings: subjects.anyTimings,
    visemes: subjects.visemes(session),
    ttsWorker: subjects.ttsWorker(process),
    secretKeep: subjects.secretKeep,
    secretFind: subjects.secretFind,
    ownerVoice: subjects.ownerVoice(process),
    ownerClaim: subjects.ownerClaim(process),
    ownerProbe: subjects.ownerProbe(process),
    peer: subjects.peer(process),
    journal: subjects.journal(session),
    anyJournal: subjects.anyJournal,
  } satisfies Record<keyof typeof subjects, string>;
  const bus = tableOf(['subject', 'queue group']);

  it('has every subject and no other', () => {
    expect(sorted(Object.keys(made))).toEqual(sorted(Object.keys(subjects)));
    const expected = Object.entries(made).map(
      ([name, subject]) =>
        `${name} ${subject.replace(session, '<session>').replace('777', '<epoch>').replace(process, '<process>')}`,
    );
    const documented = bus.map((row) => `${cell(row, 'name')} ${firstCode(row, 'subject')}`);
    expect(sorted(documented)).toEqual(sorted(expected));
  });

  it('says of every subject who speaks, who listens, how, and what its loss costs', () => {
    for (const row of bus) {
      for (const column of [
        'publisher',
        'subscribers',
        'queue group',
        'kind',
        'body',
        'reply',
        'what its loss costs',
      ]) {
        expect([cell(row, 'name'), column, cell(row, column)]).not.toContain('');
      }
      expect(cell(row, 'kind')).toMatch(/^(request|publish)$/);
      expect(cell(row, 'reply') === '–').toBe(cell(row, 'kind') === 'publish');
    }
  });

  it('lets the journal’s stream store nothing that is a request: it would answer it', () => {
    const stored = new RegExp(`^${subjects.anyJournal.replace('.', '\\.').replace('*', '[^.]+')}$`);
    expect(made.journal).toMatch(stored);
    const requests = bus.filter((row) => cell(row, 'kind') === 'request').map((row) => firstCode(row, 'subject'));
    expect(requests.length).toBeGreaterThan(5);
    for (const subject of requests) expect(subject).not.toMatch(stored);
  });

  it('has every queue group and no other', () => {
    const documented = new Set(bus.flatMap((row) => code(cell(row, 'queue group'))));
    expect(sorted(documented)).toEqual(sorted(Object.values(queueGroups)));
  });

  it('has every message that has a parser and no other', () => {
    const documented = new Set(bus.flatMap((row) => [...code(cell(row, 'body')), ...code(cell(row, 'reply'))]));
    documented.delete('{}');
    expect(sorted(documented)).toEqual(sorted(Object.keys(busSchemas)));
  });

  it('explains every kind of every reply', () => {
    const replies = {
      claim: busSchemas.claimReply,
      input: busSchemas.inputReply,
      voiceOpen: busSchemas.voiceOpenReply,
      voiceOrder: busSchemas.voiceOrderReply,
      secretKeep: busSchemas.secretKeepReply,
      secretFind: busSchemas.secretFindReply,
      ownerProbe: busSchemas.ownerProbeReply,
    };
    const expected = Object.entries(replies).flatMap(([request, schema]) =>
      schema.options.map((option) => `${request} ${option.shape.kind.value}`),
    );
    let request = '';
    const documented = tableOf(['request', 'reply', 'meaning']).map((row) => {
      request = cell(row, 'request') || request;
      return `${request} ${firstCode(row, 'reply')}`;
    });
    expect(sorted(documented)).toEqual(sorted(expected));
  });

  it('has the schema version', () => {
    expect(document).toContain(`{"v": ${SCHEMA_VERSION}, "traceparent": "…", "body": {…}}`);
  });
});

describe('PROTOCOL.md, the chunk header', () => {
  const header: ChunkHeader = {
    traceparent: `00-${'a1'.repeat(16)}-${'b2'.repeat(8)}-c3`,
    lane: 11,
    epoch: 70_001,
    ordinal: 70_002,
    attempt: 12,
    responseId: 'resp_xyz',
    segment: 13,
    firstSample: 70_003,
    last: true,
  };
  const pcm = Uint8Array.of(1, 2, 3, 4);
  const expected: Record<string, unknown> = {
    ...header,
    version: SCHEMA_VERSION,
    flags: 1,
    idBytes: 8,
    traceFlags: 0xc3,
    traceId: 'a1'.repeat(16),
    parentId: 'b2'.repeat(8),
  };
  const message = Buffer.from(encodeChunk(header, pcm));
  const [, busBytes] = /### Bus part, (\d+) bytes/.exec(document) ?? [];
  const read = (bytes: Buffer, size: string, offset: number): number | string => {
    if (size === 'u8') return bytes.readUInt8(offset);
    if (size === 'u16') return bytes.readUInt16LE(offset);
    if (size === 'u32') return bytes.readUInt32LE(offset);
    return bytes.toString('hex', offset, offset + parseInt(size, 10));
  };
  /** Checks the fixed fields, and that they leave no hole. Returns where they end. */
  const check = (rows: Row[], bytes: Buffer): number => {
    let next = 0;
    for (const row of rows) {
      const [field, size, offset] = [cell(row, 'field'), cell(row, 'size'), Number(cell(row, 'offset'))];
      if (!/^(u8|u16|u32|\d+ bytes)$/.test(size)) break;
      expect([field, offset]).toEqual([field, next]);
      expect([field, read(bytes, size, offset)]).toEqual([field, field === '–' ? 0 : expected[field]]);
      next += size.startsWith('u') ? Number(size.slice(1)) / 8 : parseInt(size, 10);
    }
    return next;
  };

  it('has the bus part that the codec writes', () => {
    expect(check(tableOf(['offset', 'size', 'field'], 0), message)).toBe(Number(busBytes));
  });

  it('has the client frame that the codec writes', () => {
    const rows = tableOf(['offset', 'size', 'field'], 1);
    const frame = message.subarray(Number(busBytes));
    expect(check(rows, frame)).toBe(12);
    expect(rows.slice(-2).map((row) => `${cell(row, 'offset')} ${cell(row, 'field')}`)).toEqual([
      '12 responseId',
      '12 + n pcm',
    ]);
    expect(frame.toString('latin1', 12, 20)).toBe('resp_xyz');
    expect(frame.subarray(20)).toEqual(Buffer.from(pcm));
  });
});

/** The leaves of an event: `session.audio?.output?.voice?`. */
function fieldsOf(schema: unknown, path = ''): string[] {
  if (schema instanceof z.ZodExactOptional) return fieldsOf(schema.unwrap(), `${path}?`);
  if (schema instanceof z.ZodDefault) return fieldsOf(schema.unwrap(), `${path}?`);
  if (schema instanceof z.ZodNullable) return fieldsOf(schema.unwrap(), path);
  if (schema instanceof z.ZodArray) return fieldsOf(schema.element, `${path}[]`);
  if (schema instanceof z.ZodDiscriminatedUnion) {
    return [...new Set(schema.options.flatMap((option) => fieldsOf(option, path)))];
  }
  if (schema instanceof z.ZodObject) {
    const prefix = path === '' ? '' : `${path}.`;
    return Object.entries(schema.shape).flatMap(([key, field]) => fieldsOf(field, prefix + key));
  }
  return [path];
}

describe('PROTOCOL.md, the client protocol', () => {
  it('has every client event with exactly its fields', () => {
    const documented = tableOf(['event', 'fields', 'effect']).map((row) => {
      // What a field may hold stands in brackets behind it.
      const fields = code(cell(row, 'fields').replace(/\([^)]*\)/g, ''));
      return `${firstCode(row, 'event')}: ${sorted(fields).join(' ')}`;
    });
    const expected = Object.entries(clientEventSchemas).map(([type, schema]) => {
      const fields = fieldsOf(schema).filter((field) => field !== 'type' && field !== 'event_id?');
      return `${type}: ${sorted(fields).join(' ')}`;
    });
    expect(sorted(documented)).toEqual(sorted(expected));
  });

  it('has every event of parley.v1 with exactly its fields', () => {
    type Fields = { [E in ParleyEvent as E['type']]: Record<keyof Omit<E, 'type'>, true> };
    const expected: Fields = {
      'parley.session': {
        session_id: true,
        resume_token: true,
        resumed: true,
        last_client_event_id: true,
        capabilities: true,
      },
      'parley.state': { state: true, response_id: true },
      'parley.turn.accepted': { turn_id: true, response_id: true, queued: true },
      'parley.policy.updated': { policy: true },
      'parley.response.interrupted': { response_id: true, turn_id: true, heard_ms: true, heard_text: true },
      'parley.turn.metrics': {
        turn_id: true,
        response_id: true,
        first_token_ms: true,
        first_segment_ms: true,
        first_audio_ms: true,
        generated_ms: true,
      },
      'parley.output.paused': { response_id: true, from_ms: true },
      'parley.output.resumed': { response_id: true, from_ms: true },
      'parley.user': { state: true },
      'parley.visemes': { response_id: true, item_id: true, visemes: true },
      'parley.going_away': { reconnect_within_ms: true },
      'parley.pong': {},
    };
    const documented = tableOf(['event', 'fields', 'when']).map((row) => {
      const fields = code(cell(row, 'fields').replace(/\([^)]*\)/g, '')).map((field) => field.replace('?', ''));
      return `${firstCode(row, 'event')}: ${sorted(fields).join(' ')}`;
    });
    const named = Object.entries(expected).map(([type, fields]) => `${type}: ${sorted(Object.keys(fields)).join(' ')}`);
    expect(sorted(documented)).toEqual(sorted(named));
  });

  it('has every field of the policy with its default', () => {
    const documented = tableOf(['field', 'value', 'default']).map((row) => [
      firstCode(row, 'field'),
      cell(row, 'default').replaceAll('`', '').replaceAll(',', ''),
    ]);
    const defaults = Object.entries(wirePolicy(DEFAULT_POLICY)).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(' ') : String(value),
    ]);
    expect(documented).toEqual(defaults);
  });

  it('names no parley event that does not exist', () => {
    const client = Object.keys(clientEventSchemas);
    const server = tableOf(['event', 'fields', 'when']).map((row) => firstCode(row, 'event'));
    const mentioned = new Set(
      [...document.matchAll(/`(parley\.[a-z_]{2,}(?:\.[a-z_]+)?)/g)].map((match) => match[1] ?? ''),
    );
    expect(sorted(mentioned)).toEqual(sorted([...client.filter((type) => type.startsWith('parley.')), ...server]));
  });

  it('has every error code with its cause and its fix, and no other', () => {
    const rows = tableOf(['code', 'when', 'fix']);
    expect(sorted(rows.map((row) => firstCode(row, 'code')))).toEqual(sorted(ERROR_CODES));
    for (const row of rows) expect([cell(row, 'when'), cell(row, 'fix')]).not.toContain('');
  });

  it('has every close code and no other', () => {
    const documented = tableOf(['close code', 'name']).map((row) => `${cell(row, 'close code')} ${cell(row, 'name')}`);
    expect(documented).toEqual(Object.entries(CLOSE_CODES).map(([name, value]) => `${value} ${name}`));
  });

  it('orders a response by events that are in its tables', () => {
    const section = document.slice(document.indexOf('### Order of a response'));
    const steps = section
      .split('\n')
      .filter((line) => /^\d+\. /.test(line))
      .slice(0, 12);
    const order = steps.flatMap((line) => code(line));
    expect(order).toHaveLength(13);
    const realtime = tableOf(['event', 'fields beside `type` and `event_id`']).map((row) => firstCode(row, 'event'));
    for (const event of order.slice(0, -1)) expect(realtime).toContain(event);
    expect(order.at(-1)).toBe('parley.response.interrupted');
    const others = realtime.filter((event) => /^response\.(function_call|output_text)/.test(event));
    expect(sorted(realtime.filter((event) => event.startsWith('response.')))).toEqual(
      sorted([...order.filter((event) => event.startsWith('response.')), ...others]),
    );
  });

  it('has the names and limits of the code', () => {
    const { textChars, idChars, metadataKeys, metadataKeyChars, metadataValueChars, tools, toolNameChars } =
      CLIENT_LIMITS;
    for (const text of [
      `text and instructions ${textChars.toLocaleString('en')} UTF-16 units`,
      `voice names) ${idChars},`,
      `\`metadata\` ${metadataKeys} keys of ${metadataKeyChars} with values of ${metadataValueChars}, ${tools} tools with names of ${toolNameChars}`,
      `\`GET ${REALTIME_PATH}\``,
      ...REALTIME_PATHS.map((path) => `\`POST ${path}/${CLIENT_SECRETS}\``),
      `\`${SECRET_PREFIX}…\``,
      `${SECRET_LIFE_S.least} to ${SECRET_LIFE_S.most.toLocaleString('en')} (${SECRET_LIFE_S.unsaid} when it is not said)`,
      `\`Sec-WebSocket-Protocol: ${PARLEY_SUBPROTOCOL}\``,
      `\`${KEY_SUBPROTOCOL_PREFIX}<key>\``,
      CAPABILITIES.map((capability) => `\`${capability}\``).join(', '),
    ]) {
      expect(document.replace(/\n/g, ' ')).toContain(text);
    }
  });
});

describe('PROTOCOL.md, heard text', () => {
  it('has the interruption mark, exactly', () => {
    expect(document).toContain(`\n       \`${INTERRUPTION_MARK}\`\n`);
  });

  it('has the default of minPartialChars', () => {
    expect(document).toContain(`\`minPartialChars\` (default ${DEFAULT_POLICY.minPartialChars})`);
  });
});
