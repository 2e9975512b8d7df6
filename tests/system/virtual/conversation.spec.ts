import type { GatewayService } from '@parley/service-gateway';
import { ANSWER, FIRST, SECOND } from './answer';
import { statusesOf } from './heard';
import { Stage, SAMPLES_PER_CHARACTER, type StagedClient, type StagedProcess } from './stage';

const samplesOf = (text: string): number => text.trimEnd().length * SAMPLES_PER_CHARACTER;

describe('a conversation over the real services on virtual time', () => {
  let stage: Stage;
  let orchestrator: StagedProcess;
  let tts: StagedProcess;
  let gateway: StagedProcess<GatewayService>;
  let client: StagedClient;

  beforeEach(async () => {
    stage = new Stage();
    ({ orchestrator, worker: tts, gateway } = await stage.cluster());
    client = await stage.connect(gateway.service);
  });

  const statuses = (): unknown[] => statusesOf(client);

  it('greets with session.created, parley.session and the listening floor', () => {
    expect(client.types()).toEqual(['session.created', 'parley.session', 'parley.state']);
    expect(client.state()).toBe('listening');
  });

  it('[DR1][DR7][G5] speaks until the last sample was played, with every sample of every segment', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    expect(client.state()).toBe('speaking');
    await stage.system.advanceBy(10_000);
    expect(client.samples()).toBe(samplesOf(FIRST) + samplesOf(SECOND));
    expect(statuses()).toEqual(['completed']);
    expect(client.state()).toBe('listening');
  });

  it('sends the events of a response in the order of the Realtime API', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(10_000);
    const order = client.types().filter((type) => !type.endsWith('.delta') && !type.startsWith('parley.state'));
    expect(order.slice(2)).toEqual([
      'parley.turn.accepted',
      'conversation.item.added',
      'conversation.item.done',
      'response.created',
      'response.output_item.added',
      'conversation.item.added',
      'response.content_part.added',
      'response.output_audio.done',
      'response.output_audio_transcript.done',
      'response.content_part.done',
      'conversation.item.done',
      'response.output_item.done',
      'response.done',
      'parley.turn.metrics',
    ]);
  });

  it('[G1][DR6][SP1] lets nothing of an interrupted response through, whatever is still in flight', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    // The cancel reaches the worker only after the voice has gone on for a while.
    tts.bus.disconnect();
    client.send({ type: 'parley.interrupt' });
    const samples = client.samples();
    tts.bus.reconnect();
    await stage.system.advanceBy(3_000);
    expect(client.samples()).toBe(samples);
    expect(
      client
        .types()
        .filter((type) => type.startsWith('response.') || type.startsWith('parley.resp'))
        .at(-1),
    ).toBe('parley.response.interrupted');
    expect(client.state()).toBe('listening');
  });

  it('[G1] fences at the gateway at once: audio that arrives before the owner has answered is dropped', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    orchestrator.bus.disconnect();
    client.send({ type: 'parley.interrupt' });
    const samples = client.samples();
    await stage.system.advanceBy(250);
    expect(client.samples()).toBe(samples);
    expect(client.events('parley.response.interrupted')).toEqual([]);
    orchestrator.bus.reconnect();
    await stage.system.advanceBy(2_000);
    expect(client.events('parley.response.interrupted')).toHaveLength(1);
  });

  it('lets nothing leave before the write that holds it: neither acceptance nor text nor audio', async () => {
    orchestrator.store.setUnavailable(true);
    const before = client.arrivals.length;
    client.say('hello', 't1');
    await stage.system.advanceBy(2_000);
    expect(client.arrivals.slice(before)).toEqual([]);
    expect(stage.tts.spoken).toEqual([]);
    orchestrator.store.setUnavailable(false);
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('parley.turn.accepted')).toHaveLength(1);
  });

  it('lets nobody hear a segment before the write that holds it, though the voice speaks it at once', async () => {
    stage.llm.wordDelayMs = 100;
    client.say('hello', 't1');
    await stage.system.advanceBy(100);
    const { store } = orchestrator;
    const write = store.write.bind(store);
    // Slow, and not away.
    store.write = async (request) => {
      await new Promise<void>((resolve) => void stage.system.timers.after(4_000, resolve));
      return write(request);
    };
    await stage.system.advanceBy(3_000);
    expect(stage.tts.spoken.length).toBeGreaterThan(0);
    expect([client.samples(), client.events('response.output_audio_transcript.delta')]).toEqual([0, []]);
    store.write = write;
    await stage.system.advanceBy(10_000);
    expect(client.samples()).toBe(samplesOf(FIRST) + samplesOf(SECOND));
    expect(statuses()).toEqual(['completed']);
  });

  it('[G3][SP6] runs a repeated turn id once', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(10_000);
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    expect(stage.llm.asked).toHaveLength(1);
    expect(client.events('error').map((event) => (event['error'] as { code: string }).code)).toEqual([
      'turn_duplicate',
    ]);
  });

  it('[SU4][SP3] answers a speculative transcript once, and only when the final one says the same', async () => {
    client.send({ type: 'parley.transcript.speculative', turn_id: 't1', text: 'hello' });
    await stage.system.advanceBy(1_000);
    expect(client.types().slice(3)).toEqual([]);
    expect(stage.tts.spoken).toEqual([]);
    client.say('Hello!', 't1');
    await stage.system.advanceBy(10_000);
    expect(stage.llm.asked).toHaveLength(1);
    expect(statuses()).toEqual(['completed']);
    client.send({ type: 'parley.transcript.speculative', turn_id: 't2', text: 'and now' });
    await stage.system.advanceBy(1_000);
    client.say('something else', 't2');
    await stage.system.advanceBy(10_000);
    expect(stage.llm.asked.map((messages) => messages.at(-1)?.content)).toEqual(['hello', 'and now', 'something else']);
    expect(statuses()).toEqual(['completed', 'completed']);
  });

  it('[TU10][SP1] a turn takes the floor when the session says so: the answer before it is heard no more', async () => {
    client.send({ type: 'parley.policy.update', policy: { busy: 'interrupt' } });
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    client.say('stop, tomorrow', 't2');
    await stage.system.advanceBy(15_000);
    const dones = client.events('response.done').map((event) => event['response'] as Record<string, unknown>);
    expect(dones).toMatchObject([
      { status: 'cancelled', status_details: { reason: 'turn_detected' } },
      { status: 'completed' },
    ]);
    const [first, second] = dones.map(({ id }) => id);
    const voices = client.arrivals.flatMap((arrival) => (arrival.kind === 'audio' ? [arrival.responseId] : []));
    expect(voices.lastIndexOf(String(first))).toBeLessThan(voices.indexOf(String(second)));
    expect(client.state()).toBe('listening');
  });

  it('[TU11][TU12][G2] a turn waits for the answer before it when the session says so, and is answered', async () => {
    client.send({ type: 'parley.policy.update', policy: { busy: 'queue' } });
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    client.say('and tomorrow', 't2');
    await stage.system.advanceBy(500);
    expect(client.events('parley.turn.accepted')).toMatchObject([{ turn_id: 't1' }, { turn_id: 't2', queued: true }]);
    expect(stage.llm.asked).toHaveLength(1);
    await stage.system.advanceBy(20_000);
    expect(statuses()).toEqual(['completed', 'completed']);
    expect(stage.llm.asked[1]?.at(-1)).toEqual({ role: 'user', content: 'and tomorrow' });
  });

  it('[G4][SP10] gives the model what was heard, marked as interrupted', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_600);
    client.send({ type: 'parley.interrupt' });
    await stage.system.advanceBy(100);
    const heard = String(client.events('parley.response.interrupted')[0]?.['heard_text']);
    expect(FIRST.startsWith(heard) && heard.length > 0).toBe(true);
    client.say('go on', 't2');
    await stage.system.advanceBy(1_000);
    expect(stage.llm.asked[1]).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', content: `${heard} [interrupted by the user]` },
      { role: 'user', content: 'go on' },
    ]);
  });

  it('an interrupt hits only what came before it: the turn that follows at once runs', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    client.send({ type: 'parley.interrupt' });
    client.say('next', 't2');
    await stage.system.advanceBy(12_000);
    expect(statuses()).toEqual(['cancelled', 'completed']);
  });

  it('[SY1][G5] speaks what it is told to, without asking the model', async () => {
    client.send({ type: 'parley.say', text: FIRST });
    await stage.system.advanceBy(10_000);
    expect(stage.llm.asked).toEqual([]);
    expect(client.samples()).toBe(samplesOf(FIRST));
    expect(statuses()).toEqual(['completed']);
    client.say('what did you say?', 't1');
    await stage.system.advanceBy(10_000);
    expect(stage.llm.asked[0]?.at(-2)).toEqual({ role: 'assistant', content: FIRST });
  });

  it('[BI1][G1][DR6] is interrupted by speech with words, at the word that was heard', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_500);
    client.send({ type: 'parley.speech.started' });
    client.send({ type: 'parley.transcript.partial', turn_id: 't2', text: 'no wait' });
    await stage.system.advanceBy(450);
    expect(client.events('parley.response.interrupted')).toEqual([]);
    await stage.system.advanceBy(100);
    const samples = client.samples();
    expect(client.events('parley.response.interrupted')).toHaveLength(1);
    await stage.system.advanceBy(3_000);
    expect(client.samples()).toBe(samples);
    expect(client.state()).toBe('listening');
  });

  it('[PA2][G5] holds its voice for a noise, and is heard to the end afterwards', async () => {
    client.send({
      type: 'parley.policy.update',
      policy: { false_interruption: 'pause', false_interruption_ms: 8_000 },
    });
    client.say('hello', 't1');
    await stage.system.advanceBy(1_500);
    client.send({ type: 'parley.speech.started' });
    await stage.system.advanceBy(100);
    const paused = client.events('parley.output.paused');
    expect(paused).toHaveLength(1);
    await stage.system.advanceBy(8_000);
    expect(client.events('parley.output.resumed')).toMatchObject([{ from_ms: paused[0]?.['from_ms'] }]);
    expect(client.state()).toBe('speaking');
    await stage.system.advanceBy(6_000);
    expect(client.samples()).toBe(samplesOf(FIRST) + samplesOf(SECOND));
    expect(statuses()).toEqual(['completed']);
    expect(client.state()).toBe('listening');
  });

  it('[CL5] takes the settings of an agent as its SDK sends them, and echoes the whole session', async () => {
    // As @openai/agents-realtime sends them, in two updates at once.
    const audio = {
      input: {
        format: { type: 'audio/pcm', rate: 24_000 },
        noise_reduction: null,
        transcription: { model: 'gpt-4o-mini-transcribe' },
        turn_detection: { type: 'semantic_vad' },
      },
      output: { format: { type: 'audio/pcm', rate: 24_000 }, voice: 'marin', speed: 1 },
    };
    const session = {
      type: 'realtime',
      instructions: 'Be nice',
      model: 'my-model',
      output_modalities: ['audio'],
      audio,
    };
    client.send({ type: 'session.update', session });
    client.send({ type: 'session.update', session: { type: 'realtime', tracing: 'auto' } });
    await stage.system.advanceBy(100);
    expect(client.events('error')).toEqual([]);
    const [created] = client.events('session.created');
    const echoed = client.events('session.updated').map((event) => event['session']);
    const detection = { type: 'semantic_vad', eagerness: 'auto', create_response: true, interrupt_response: true };
    const first = {
      ...(created?.['session'] as object),
      instructions: 'Be nice',
      audio: { input: { ...audio.input, turn_detection: detection }, output: audio.output },
    };
    expect(echoed).toEqual([first, { ...first, tracing: 'auto' }]);
  });

  it('[TO1][TO3] calls a function while it speaks, and answers with the result once', async () => {
    const tools = [{ type: 'function', name: 'weather' }];
    stage.llm.callsFor = (text) => (text === 'weather?' ? [{ name: 'weather', arguments: '{"city":"Ulm"}' }] : []);
    client.send({ type: 'session.update', session: { type: 'realtime', tools } });
    client.say('weather?', 't1');
    await stage.system.advanceBy(1_000);
    const [called] = client.events('response.function_call_arguments.done');
    expect(called).toMatchObject({ name: 'weather', arguments: '{"city":"Ulm"}' });
    expect(statuses()).toEqual([]);
    const item = { type: 'function_call_output', call_id: called?.['call_id'], output: '22' };
    client.send({ type: 'conversation.item.create', item });
    client.send({ type: 'conversation.item.create', item });
    await stage.system.advanceBy(10_000);
    expect(client.events('error')).toMatchObject([{ error: { code: 'invalid_tool_call_id' } }]);
    client.send({ type: 'response.create' });
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed', 'completed']);
    expect(stage.llm.asked[1]?.slice(-2)).toMatchObject([{ role: 'assistant' }, { role: 'tool', content: '22' }]);
  });

  it('[AW3] asks a silent user, where the policy says so', async () => {
    client.send({
      type: 'parley.policy.update',
      policy: { away_after_ms: 5_000, away_prompt: 'Ask whether anybody is there.' },
    });
    await stage.system.advanceBy(6_000);
    expect(client.events('parley.user')).toMatchObject([{ state: 'away' }]);
    expect(stage.llm.asked).toEqual([[{ role: 'system', content: 'Be brief.\n\nAsk whether anybody is there.' }]]);
    await stage.system.advanceBy(10_000);
    expect(statuses()).toEqual(['completed']);
  });

  it('[G2] a model that stalls in mid-answer ends the response as failed; the next turn works', async () => {
    stage.llm.stallAfterWords = 8;
    client.say('hello', 't1');
    await stage.system.advanceBy(11_000);
    expect(statuses()).toEqual(['failed']);
    stage.llm.stallAfterWords = Number.POSITIVE_INFINITY;
    client.say('again', 't2');
    await stage.system.advanceBy(12_000);
    expect(statuses()).toEqual(['failed', 'completed']);
  });

  it('without any voice worker the text goes on, and the turn says tts_unavailable once', async () => {
    tts.kill();
    client.say('hello', 't1');
    await stage.system.advanceBy(8_000);
    expect(statuses()).toEqual(['completed']);
    expect(client.events('error').map((event) => (event['error'] as { code: string }).code)).toEqual([
      'tts_unavailable',
    ]);
    const text = client.events('response.output_audio_transcript.delta').map((event) => event['delta']);
    expect(text.join('')).toBe(ANSWER);
  });

  it('output that was lost on the bus comes again, once and in order', async () => {
    stage.llm.wordDelayMs = 100;
    client.say('hello', 't1');
    await stage.system.advanceBy(50);
    gateway.bus.disconnect();
    // The text of the first segment is lost; its audio comes 100 ms later.
    while (stage.tts.spoken.length === 0) await stage.system.advanceBy(10);
    gateway.bus.reconnect();
    await stage.system.advanceBy(12_000);
    expect(statuses()).toEqual(['completed']);
    expect(stage.telemetry.counts.get('parley_outputs_resent_total')).toBeGreaterThan(0);
    const text = client.events('response.output_audio_transcript.delta').map((event) => event['delta']);
    expect(text.join('')).toBe(ANSWER);
    expect(client.samples()).toBe(samplesOf(FIRST) + samplesOf(SECOND));
    const ids = client.events().map((event) => event.event_id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('[SP11] a client that leaves ends its session: nothing runs on and the store forgets it', async () => {
    client.say('hello', 't1');
    await stage.system.advanceBy(1_000);
    const spoken = stage.tts.spoken.length;
    client.listener?.onClosed(1000);
    await stage.system.advanceBy(5_000);
    expect(stage.tts.spoken.length).toBe(spoken);
    expect(orchestrator.service.readiness().ready).toBe(true);
    expect(stage.log.lines.some((line) => line.message === 'a session ended')).toBe(true);
  });

  it('a gateway that dies ends its sessions at the owner: at once those that cannot come back', async () => {
    await stage.connect(gateway.service, { subprotocols: ['realtime'] });
    const ended = (): unknown[] => stage.log.lines.filter((line) => line.message === 'a session ended');
    gateway.kill();
    await stage.system.advanceBy(5_000);
    expect(ended()).toHaveLength(1);
    await stage.system.advanceBy(119_000);
    expect(ended()).toHaveLength(2);
  });

  it('an idle session ends with a close code', async () => {
    await stage.system.advanceBy(stage.policy.idleTimeoutMs + 1_000);
    expect(client.closed).toEqual({ code: 1000, reason: 'session idle' });
  });

  it('a half-open client is cut after two pings without an answer', async () => {
    client.answersPings = false;
    await stage.system.advanceBy(46_000);
    expect(client.pings).toBe(2);
    expect(client.closed?.code).toBe(1006);
  });

  it('a stopped gateway closes its connections with 1012 and holds nothing', async () => {
    await stage.system.runUntil(gateway.service.stop(5_000));
    expect(client.closed?.code).toBe(1012);
    await stage.system.runUntil(orchestrator.service.stop(5_000));
    await stage.system.runUntil(tts.service.stop(5_000));
    await stage.system.advanceBy(10_000);
    expect(stage.system.pendingTimers).toBe(0);
  });
});
