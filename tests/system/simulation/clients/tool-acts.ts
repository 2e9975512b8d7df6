import { ask, firstAudio, interrupt, listen, pause, type Act, type Scene } from './scene';

const TOOL = { type: 'function', name: 'look_up', parameters: { type: 'object' } };

const offer = ({ connection }: Scene, tools: object[]): void =>
  connection.send({ type: 'session.update', session: { type: 'realtime', tools } });

/** Runs what was called, once; some say what came of it twice. */
async function runTools(scene: Scene): Promise<void> {
  const { connection, dice } = scene;
  await connection.until(() => connection.calls.length > 0, 4_000);
  for (const callId of connection.calls.splice(0)) {
    await pause(scene, 0, 3_000);
    const item = { type: 'function_call_output', call_id: callId, output: `Result of ${callId}` };
    connection.send({ type: 'conversation.item.create', item });
    if (dice.chance(0.3)) connection.send({ type: 'conversation.item.create', item });
  }
}

export const TOOL_ACTS: readonly Act[] = [
  {
    ...{ name: 'use a tool', weight: 3, turns: 2, parleyOnly: false },
    run: async (scene) => {
      const { connection } = scene;
      offer(scene, [TOOL]);
      ask(scene);
      await runTools(scene);
      await listen(scene);
      if (connection.live === undefined) connection.send({ type: 'response.create' });
      await listen(scene);
      offer(scene, []);
    },
  },
  {
    ...{ name: 'interrupt a tool', weight: 2, turns: 2, parleyOnly: true },
    run: async (scene) => {
      offer(scene, [TOOL]);
      ask(scene);
      if (scene.dice.chance(0.5)) await firstAudio(scene);
      else await scene.connection.until(() => scene.connection.calls.length > 0, 4_000);
      await interrupt(scene);
      await runTools(scene);
      offer(scene, []);
      ask(scene);
      await listen(scene);
    },
  },
  {
    ...{ name: 'answer a call nobody made', weight: 0.5, turns: 0, parleyOnly: false },
    run: async ({ connection }) => {
      const item = { type: 'function_call_output', call_id: 'call_nobody', output: 'Nothing' };
      connection.send({ type: 'conversation.item.create', item });
    },
  },
];
