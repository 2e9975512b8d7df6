import { connectNatsBus } from '@parley/adapter-bus-nats';
import { createLocalAvatar } from '@parley/adapter-avatar-local';
import { connectRedisStore } from '@parley/adapter-store-redis';
import { systemPorts as system } from '@parley/adapter-system';
import { DEFAULT_POLICY } from '@parley/model';
import type { BusPort } from '@parley/ports';
import type {
  AvatarBridgeConfig,
  Composition,
  ConversationConfig,
  GatewayConfig,
  OrchestratorConfig,
  ProcessContext,
  Role,
  TtsWorkerConfig,
} from '@parley/runtime';
import { createAvatarBridge } from '@parley/service-avatar';
import { createGateway, type GatewayService } from '@parley/service-gateway';
import { createOrchestrator } from '@parley/service-orchestrator';
import { createTtsWorker } from '@parley/service-tts';
import { MAX_CONNECTIONS, MAX_SESSIONS, MAX_VOICE_JOBS } from './limits';
import { createModel } from './model';
import { createVoice } from './voice';

export interface GatewayComposition extends Composition {
  gateway: GatewayService;
}

export async function composeGateway(config: GatewayConfig, context: ProcessContext): Promise<GatewayComposition> {
  const bus = await connectBus(config, context);
  const gateway = createGateway({ bus, system, ...context }, { ...config.access, maxConnections: MAX_CONNECTIONS });
  return { gateway, services: [gateway], close: () => bus.close() };
}

export async function composeOrchestrator(config: OrchestratorConfig, context: ProcessContext): Promise<Composition> {
  const bus = await connectBus(config, context);
  // The owner measures its writes itself, waits and repetitions included.
  const store = await connectRedisStore({ url: config.redisUrl, system, log: context.log });
  const llm = createModel(config.conversation.llm, context.log);
  const service = createOrchestrator({ bus, store, llm, system, ...context }, orchestratorConfig(config.conversation));
  return {
    services: [service],
    close: async () => void (await Promise.allSettled([bus.close(), store.close(), llm.close()])),
  };
}

export async function composeTtsWorker(
  config: TtsWorkerConfig,
  context: ProcessContext,
  espeakWorkerUrl: URL,
): Promise<Composition> {
  const bus = await connectBus(config, context);
  const tts = createVoice(config.tts, espeakWorkerUrl, context.log);
  const service = createTtsWorker({ bus, tts, system, ...context }, { maxJobs: MAX_VOICE_JOBS });
  return { services: [service], close: async () => void (await Promise.allSettled([bus.close(), tts.close()])) };
}

export async function composeAvatarBridge(config: AvatarBridgeConfig, context: ProcessContext): Promise<Composition> {
  const bus = await connectBus(config, context);
  const service = createAvatarBridge({ bus, avatar: createLocalAvatar(), system, ...context }, {});
  return { services: [service], close: () => bus.close() };
}

/** The orchestrator's configuration; the turn policy is not configurable from outside yet. */
export function orchestratorConfig({ instructions, model, voice, modelMap, lipSync }: ConversationConfig) {
  return {
    instructions,
    model,
    voice: voice ?? null,
    modelMap,
    lipSync,
    policy: DEFAULT_POLICY,
    maxSessions: MAX_SESSIONS,
  };
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
