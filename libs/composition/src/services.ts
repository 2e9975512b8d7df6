import { connectNatsBus, JournalStream } from '@parley/adapter-bus-nats';
import { connectRedisStore } from '@parley/adapter-store-redis';
import { systemPorts as system } from '@parley/adapter-system';
import type { BusPort } from '@parley/ports';
import type {
  AvatarBridgeConfig,
  Composition,
  GatewayConfig,
  OrchestratorConfig,
  ProcessContext,
  Role,
  TtsWorkerConfig,
} from '@parley/runtime';
import type { GatewayService } from '@parley/service-gateway';
import { createModel } from './model';
import { avatarBridgeOver, gatewayOver, orchestratorOver, ttsWorkerOver } from './over-ports';
import { createVoice } from './voice';

export interface GatewayComposition extends Composition {
  gateway: GatewayService;
}

export async function composeGateway(config: GatewayConfig, context: ProcessContext): Promise<GatewayComposition> {
  const bus = await connectBus(config, context);
  const gateway = gatewayOver({ bus, system, ...context }, config.access, config.limits);
  return { gateway, services: [gateway], close: () => bus.close() };
}

export async function composeOrchestrator(config: OrchestratorConfig, context: ProcessContext): Promise<Composition> {
  const bus = await connectBus(config, context);
  // The owner measures its writes itself, waits and repetitions included.
  const store = await connectRedisStore({ ...config.redis, system, log: context.log });
  const llm = createModel(config.conversation.llm, context.log);
  const journal = config.journal && new JournalStream(bus, system.timers, context.log, config.journal);
  journal?.start();
  const service = orchestratorOver(
    { bus, store, llm, system, ...context },
    config.conversation,
    config.limits,
    journal !== null,
  );
  return {
    services: [service],
    close: async () => {
      journal?.close();
      await Promise.allSettled([bus.close(), store.close(), llm.close()]);
    },
  };
}

export async function composeTtsWorker(
  config: TtsWorkerConfig,
  context: ProcessContext,
  espeakWorkerUrl: URL,
): Promise<Composition> {
  const bus = await connectBus(config, context);
  const tts = createVoice(config.tts, espeakWorkerUrl, context.log);
  const service = ttsWorkerOver({ bus, tts, system, ...context }, config.limits);
  return { services: [service], close: async () => void (await Promise.allSettled([bus.close(), tts.close()])) };
}

export async function composeAvatarBridge(config: AvatarBridgeConfig, context: ProcessContext): Promise<Composition> {
  const bus = await connectBus(config, context);
  const service = avatarBridgeOver({ bus, system, ...context });
  return { services: [service], close: () => bus.close() };
}

function connectBus(config: { role: Role; natsUrl: string }, { log }: ProcessContext): Promise<BusPort> {
  return connectNatsBus({
    urls: config.natsUrl.split(',').map((url) => url.trim()),
    name: config.role,
    inboxPrefix: `_INBOX.${config.role}`,
    log,
    timers: system.timers,
    random: system.random,
    schedule: system.schedule,
  });
}
