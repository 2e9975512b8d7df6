import { subjects, type OutputMessage, type OwnerOutput } from '@parley/model';
import { busSchemas } from '@parley/schemas';
import { Outbox } from './outbox';
import { numbersOf, OrchestratorStage, read, SESSION, TRACE } from '../orchestrator-stage.fixture';
import { OutputSender } from './output-sender';

const OUTPUT: OwnerOutput = { kind: 'close', lane: 0, ordinal: 1 };

let stage: OrchestratorStage;
let bus: ReturnType<OrchestratorStage['link']>;
let gatewayBus: ReturnType<OrchestratorStage['link']>;
let outbox: Outbox;
let sender: OutputSender;
let silences: number[];
let messages: (OutputMessage & { atMs: number })[];

function make(left: { outSeq: number; output: OwnerOutput }[] = [], lastOutSeq = 0): void {
  stage = new OrchestratorStage();
  [bus, gatewayBus] = [stage.link(), stage.link()];
  outbox = new Outbox(left, lastOutSeq, lastOutSeq - left.length, false);
  [silences, messages] = [[], []];
  const { system, telemetry } = stage;
  sender = new OutputSender(
    { bus, system, telemetry },
    SESSION,
    2,
    outbox,
    () => 3,
    () => silences.push(system.nowMs),
  );
  gatewayBus.subscribe(subjects.output(SESSION), ({ payload }) => {
    messages.push({ ...read(busSchemas.output, payload), atMs: system.nowMs });
  });
}
beforeEach(() => make());
afterEach(() => {
  sender.close();
  expect(stage.system.pendingTimers).toBe(0);
});

const send = (...outputs: OwnerOutput[]): void =>
  sender.send(
    (outputs.length > 0 ? outputs : [OUTPUT]).map((output) => outbox.add(output)),
    TRACE,
  );
const arrived = (): string[] => messages.map((message) => `${numbersOf(message).join('+')}@${message.atMs}`);

describe('owner output', () => {
  it('goes out with epoch, attachment and number', async () => {
    send();
    await stage.pass();
    expect(messages).toEqual([{ epoch: 2, attachment: 3, firstOutSeq: 1, outputs: [OUTPUT], atMs: 0 }]);
  });

  it('of one write goes out in one message', async () => {
    send(OUTPUT, OUTPUT, OUTPUT);
    await stage.pass();
    expect(arrived()).toEqual(['1+2+3@0']);
  });

  it('that is much is cut into messages far below the bus limit, however many bytes a character takes', async () => {
    const sizes: number[] = [];
    gatewayBus.subscribe(subjects.output(SESSION), ({ payload }) => sizes.push(payload.byteLength));
    const text: OwnerOutput = { kind: 'text', lane: 0, ordinal: 1, segment: 0, text: '語'.repeat(40_000) };
    send(text, text, OUTPUT, text, text, text);
    await stage.pass();
    expect(arrived()).toEqual(['1+2+3@0', '4+5@0', '6@0']);
    expect(Math.max(...sizes)).toBeLessThan(bus.maxPayloadBytes / 4 + 1_000);
  });

  it('that was made of large items comes again in as many messages as it came, to a new connection too', async () => {
    const item = { type: 'message', content: [{ type: 'input_text', text: '語'.repeat(32_768) }] };
    const added: OwnerOutput = { kind: 'event', event: { type: 'conversation.item.added', item } };
    send(...Array.from({ length: 12 }, () => added));
    await stage.pass(500);
    outbox.reopen();
    sender.sendAll();
    await stage.pass();
    const pairs = ['1+2', '3+4', '5+6', '7+8', '9+10', '11+12'];
    expect(arrived()).toEqual([0, 500, 500].flatMap((atMs) => pairs.map((pair) => `${pair}@${atMs}`)));
  });

  it('is sent again every 500 ms until it is acknowledged, everything that is not, in order', async () => {
    send();
    await stage.pass(100);
    send();
    await stage.pass(950);
    expect(arrived()).toEqual(['1@0', '2@100', '1+2@500', '1+2@1000']);
    sender.acknowledge(1);
    await stage.pass(1_000);
    // Within a period of the last acknowledgement, and alone.
    expect(arrived().slice(4)).toEqual([expect.stringMatching(/^2@/)]);
    expect(stage.counted('parley_outputs_resent_total')).toBe(5);
    sender.acknowledge(2);
    await stage.pass(5_000);
    expect(arrived()).toHaveLength(5);
    expect(stage.system.pendingTimers).toBe(0);
  });

  it('that waits for its write does not leave with a repetition', async () => {
    send();
    outbox.add(OUTPUT);
    await stage.pass(1_200);
    expect(arrived()).toEqual(['1@0', '1@500', '1@1000']);
  });

  it('alone waiting for its write is nothing to repeat, and no silence of the gateway', async () => {
    send();
    outbox.add(OUTPUT);
    sender.acknowledge(1);
    await stage.pass(60_000);
    expect(arrived()).toEqual(['1@0']);
    expect(silences).toEqual([]);
  });

  it('is sent no more after the end', async () => {
    send();
    sender.close();
    await stage.pass(5_000);
    expect(arrived()).toEqual(['1@0']);
  });
});

describe('a gateway that acknowledges nothing', () => {
  it('for 10 s is taken for gone, once', async () => {
    send();
    await stage.pass(9_900);
    expect(silences).toEqual([]);
    await stage.pass(600);
    expect(silences).toHaveLength(1);
    await stage.pass(60_000);
    expect(silences).toHaveLength(1);
  });

  it('but one output in between is not', async () => {
    for (let n = 0; n < 8; n++) {
      send();
      send();
      await stage.pass(5_000);
      sender.acknowledge(outbox.outSeq - 1);
    }
    expect(silences).toEqual([]);
  });

  it('while our own link is down is not: what was sent then is sent again', async () => {
    bus.disconnect();
    send();
    await stage.pass(60_000);
    expect(silences).toEqual([]);
    bus.reconnect();
    await stage.pass(600);
    expect(messages.flatMap(numbersOf)).toEqual([1]);
    await stage.pass(9_000);
    expect(silences).toEqual([]);
    await stage.pass(2_000);
    expect(silences).toHaveLength(1);
  });
});

describe('a takeover', () => {
  it('sends what the older owner left unacknowledged first, under its own epoch', async () => {
    make(
      [
        { outSeq: 7, output: OUTPUT },
        { outSeq: 8, output: OUTPUT },
      ],
      8,
    );
    sender.sendAll();
    send();
    await stage.pass();
    expect(messages).toMatchObject([
      { epoch: 2, attachment: 3 },
      { epoch: 2, attachment: 3 },
    ]);
    await stage.pass(500);
    expect(arrived()).toEqual(['7+8@0', '9@0', '7+8+9@500']);
  });
});

describe('a connection that is lost', () => {
  it('is sent nothing again, and nobody waits for its word', async () => {
    send();
    sender.hear(false);
    await stage.pass(20_000);
    expect(arrived()).toEqual(['1@0']);
    expect(silences).toEqual([]);
  });

  it('gets everything when it is there after all', async () => {
    send();
    sender.hear(false);
    send();
    await stage.pass(1_000);
    sender.hear(true);
    await stage.pass(500);
    expect(arrived()).toEqual(['1@0', '2@0', '1+2@1000', '1+2@1500']);
    sender.hear(true);
    sender.acknowledge(2);
  });
});
