import { MemoryBusServer } from '@parley/adapter-bus-memory';
import { MemoryStoreServer } from '@parley/adapter-store-memory';
import { systemPorts as system } from '@parley/adapter-system';
import type { Service } from '@parley/ports';
import type { ProcessContext, StandaloneConfig } from '@parley/runtime';
import { createModel } from './model';
import { avatarBridgeOver, gatewayOver, orchestratorOver, ttsWorkerOver } from './over-ports';
import type { GatewayComposition } from './services';
import { createVoice } from './voice';

export interface StandaloneComposition extends GatewayComposition {
  /** Without a voice, text goes on; without the face, sound does. */
  optional: readonly Service[];
}

/** Everything in one process: each service has a bus connection of its own, as it would have over NATS. */
export async function composeStandalone(
  config: StandaloneConfig,
  context: ProcessContext,
  espeakWorkerUrl: URL,
): Promise<StandaloneComposition> {
  const busServer = new MemoryBusServer({
    random: system.random,
    schedule: system.schedule,
  });
  const connect = () => busServer.connect({ log: context.log, timers: system.timers });
  const buses = { gateway: connect(), orchestrator: connect(), tts: connect(), avatar: connect() };
  const store = new MemoryStoreServer(system).connect();
  const llm = createModel(config.conversation.llm, context.log);
  const tts = createVoice(config.tts, espeakWorkerUrl, context.log);

  const gateway = gatewayOver({ bus: buses.gateway, system, ...context }, config.access, config.limits);
  const orchestrator = orchestratorOver(
    { bus: buses.orchestrator, store, llm, system, ...context },
    config.conversation,
    config.limits,
  );
  const ttsWorker = ttsWorkerOver({ bus: buses.tts, tts, system, ...context }, config.limits);
  const face = config.conversation.lipSync ? [avatarBridgeOver({ bus: buses.avatar, system, ...context })] : [];
  return {
    gateway,
    // The gateway last: when it takes connections, everybody is there to serve them.
    services: [orchestrator, ttsWorker, ...face, gateway],
    optional: [ttsWorker, ...face],
    close: async () => {
      await Promise.allSettled([...Object.values(buses), store, llm, tts].map((resource) => resource.close()));
    },
  };
}
