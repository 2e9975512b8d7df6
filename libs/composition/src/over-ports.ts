import { createLocalAvatar } from '@parley/adapter-avatar-local';
import { DEFAULT_POLICY } from '@parley/model';
import type { Service } from '@parley/ports';
import type { ClientAccessConfig, ConversationConfig } from '@parley/runtime';
import { createAvatarBridge } from '@parley/service-avatar';
import { createGateway, type GatewayService } from '@parley/service-gateway';
import { createOrchestrator } from '@parley/service-orchestrator';
import { createTtsWorker } from '@parley/service-tts';
import { MAX_CONNECTIONS, MAX_SESSIONS, MAX_VOICE_JOBS } from './limits';

/** The services over given ports, as every mode runs them: the modes (and the simulation) differ in adapters only. */

export const gatewayOver = (
  ports: Parameters<typeof createGateway>[0],
  { apiKeys, devKeyAllowed }: ClientAccessConfig,
): GatewayService => createGateway(ports, { apiKeys, devKeyAllowed, maxConnections: MAX_CONNECTIONS });

/** The turn policy is not configurable from outside yet. */
export const orchestratorOver = (
  ports: Parameters<typeof createOrchestrator>[0],
  { instructions, model, voice, modelMap, lipSync }: Omit<ConversationConfig, 'llm'>,
  journal = false,
): Service =>
  createOrchestrator(ports, {
    instructions,
    model,
    voice: voice ?? null,
    modelMap,
    lipSync,
    policy: DEFAULT_POLICY,
    maxSessions: MAX_SESSIONS,
    journal,
  });

export const ttsWorkerOver = (ports: Parameters<typeof createTtsWorker>[0]): Service =>
  createTtsWorker(ports, { maxJobs: MAX_VOICE_JOBS });

/** Bridges to the local face, the one avatar there is. */
export const avatarBridgeOver = (ports: Omit<Parameters<typeof createAvatarBridge>[0], 'avatar'>): Service =>
  createAvatarBridge({ ...ports, avatar: createLocalAvatar() }, {});
