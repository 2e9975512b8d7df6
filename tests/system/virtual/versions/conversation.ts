import type { TtsEvent } from '@parley/ports';
import type { GatewayService } from '@parley/service-gateway';
import type { Stage, StagedClient, StagedProcess } from '../stage';

/** Called at each moment whose state is worth keeping. */
export type Keep = (moment: string, client: StagedClient) => Promise<void>;

/** A day in the life of a process: whatever states a session can be in, and whatever processes say to one another. */
export async function converse(stage: Stage, keep: Keep): Promise<void> {
  stage.journal = true;
  stage.lipSync = true;
  stage.llm.wordDelayMs = 100;
  stage.tts.pace = 4;
  const first = [await stage.orchestrator(), await stage.ttsWorker()];
  await stage.avatarBridge();
  const { service: gateway, bus } = await stage.gateway();
  await answers(stage, await stage.connect(gateway), keep);
  await floor(stage, await stage.connect(gateway), keep);
  await tools(stage, await stage.connect(gateway), keep);
  await losses(stage, await stage.connect(gateway), keep, first);
  await absences(stage, await stage.connect(gateway), keep, bus);
  await secrets(stage, gateway);
}

/** An answer from its beginning to its end, and one that is cut. */
async function answers(stage: Stage, client: StagedClient, keep: Keep): Promise<void> {
  const { system } = stage;
  await keep('listening', client);
  client.say('hello', 't1');
  await system.advanceBy(300);
  await keep('thinking', client);
  await system.advanceBy(700);
  await keep('the model writes, the voice speaks', client);
  await system.advanceBy(350);
  await keep('the voice speaks', client);
  await system.advanceBy(1_000);
  await keep('the tail plays', client);
  await system.advanceBy(10_000);
  await keep('listening again', client);
  client.say('And then?', 't2');
  await system.advanceBy(1_700);
  client.send({ type: 'parley.interrupt' });
  await system.advanceBy(100);
  await keep('interrupted', client);
}

/** A speculation, turns that wait, a held voice. */
async function floor(stage: Stage, client: StagedClient, keep: Keep): Promise<void> {
  const { system } = stage;
  client.send({ type: 'parley.policy.update', policy: { busy: 'queue', false_interruption: 'pause' } });
  client.send({ type: 'parley.transcript.speculative', text: 'Shall I', turn_id: 't1' });
  await system.advanceBy(250);
  client.send({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [text('Typed.')] } });
  client.send({ type: 'parley.transcript.speculative', text: 'Shall I stay', turn_id: 't1' });
  await system.advanceBy(250);
  await keep('a speculation', client);
  client.say('Shall I stay?', 't1');
  await system.advanceBy(100);
  client.say('Or go?', 't2');
  client.send({ type: 'parley.say', text: 'A word of our own.' });
  await system.advanceBy(900);
  await keep('turns wait', client);
  client.send({ type: 'parley.speech.started' });
  await system.advanceBy(600);
  await keep('paused for the user', client);
  client.send({ type: 'parley.speech.stopped' });
  await system.advanceBy(1_500);
  client.send({ type: 'parley.interrupt', response_id: 'resp_none' });
  client.send({ type: 'nonsense', event_id: 'mine' });
  await system.advanceBy(20_000);
  await keep('the turns were taken', client);
}

const text = (content: string) => ({ type: 'input_text', text: content });

/** A function that the model calls. */
async function tools(stage: Stage, client: StagedClient, keep: Keep): Promise<void> {
  const { system } = stage;
  stage.llm.callsFor = (last) => (last === 'Weather?' ? [{ name: 'weather', arguments: '{}' }] : []);
  const tool = { type: 'function', name: 'weather', description: 'Now.', parameters: { type: 'object' } };
  client.send({ type: 'session.update', session: { type: 'realtime', tools: [tool], instructions: 'Be kind.' } });
  client.say('Weather?', 't1');
  await system.advanceBy(9_000);
  await keep('a function is awaited', client);
  const [call] = client.events('response.function_call_arguments.done');
  const item = { type: 'function_call_output', call_id: call?.['call_id'], output: '22' };
  client.send({ type: 'conversation.item.create', item });
  client.send({ type: 'response.create', response: { instructions: 'Say it in a word.' } });
  await system.advanceBy(500);
  await keep('a response was asked for', client);
  client.send({ type: 'response.cancel' });
  await system.advanceBy(500);
}

/** The owner and the worker, the model and the client go in mid-answer. */
async function losses(stage: Stage, client: StagedClient, keep: Keep, mortals: StagedProcess[]): Promise<void> {
  const { system } = stage;
  await stage.orchestrator();
  await stage.ttsWorker();
  client.say('hello', 't1');
  await system.advanceBy(1_000);
  for (const mortal of mortals) mortal.kill();
  await system.advanceBy(1_000);
  await keep('taken over', client);
  await system.advanceBy(10_000);
  stage.llm.stallAfterWords = 3;
  client.say('And then?', 't2');
  await system.advanceBy(25_000);
  await keep('the model failed', client);
  stage.llm.stallAfterWords = Infinity;
}

/** The gateway’s link for a moment, the voice, and the client are away. */
async function absences(stage: Stage, client: StagedClient, keep: Keep, bus: StagedProcess['bus']): Promise<void> {
  const { system } = stage;
  await stage.orchestrator();
  client.say('hello', 't1');
  await system.advanceBy(1_000);
  bus.disconnect();
  await system.advanceBy(150);
  bus.reconnect();
  await system.advanceBy(10_000);
  await keep('after a hole', client);
  const { synthesize } = stage.tts;
  stage.tts.synthesize = noVoice;
  client.say('And then?', 't2');
  await system.advanceBy(10_000);
  await keep('the voice failed', client);
  stage.tts.synthesize = synthesize;
  client.say('And now?', 't3');
  await system.advanceBy(1_000);
  client.listener?.onClosed(1006);
  await system.advanceBy(500);
  await keep('nobody listens', client);
}

/** A client secret is made, used and unknown, and asked for while the store is away. */
async function secrets(stage: Stage, gateway: GatewayService): Promise<void> {
  const { system } = stage;
  const request = {
    ...{ path: '/v1/realtime', query: {}, subprotocols: [], loopback: true },
    headers: { authorization: 'Bearer key' },
  };
  const session = { type: 'realtime', instructions: 'Be kind.', audio: { output: { voice: 'marin' } } };
  const readBody = async (): Promise<string> => JSON.stringify({ session });
  const make = () => system.runUntil(gateway.createSecret({ ...request, readBody }));
  const { value } = JSON.parse((await make()).body) as { value: string };
  const come = (secret: string) =>
    system.runUntil(gateway.admit({ ...request, headers: { authorization: `Bearer ${secret}` } }));
  const admission = await come(value);
  if (admission.kind !== 'admitted') throw new Error(`refused: ${admission.body}`);
  admission.abandon();
  await come(`ek_${'0'.repeat(32)}`);
  stage.storeServer.setUnavailable(true);
  await make();
  await come(value);
  stage.storeServer.setUnavailable(false);
}

async function* noVoice(): AsyncIterable<TtsEvent> {
  yield { kind: 'failed', failure: { kind: 'unavailable', message: 'No voice.' } };
}
