import { createLocalAvatar } from '@parley/adapter-avatar-local';
import { DEFAULT_POLICY } from '@parley/model';
import type { Service } from '@parley/ports';
import type {
  ClientAccessConfig,
  ConversationConfig,
  GatewayConfig,
  OrchestratorConfig,
  TtsWorkerConfig,
} from '@parley/runtime';
import { createAvatarBridge } from '@parley/service-avatar';
import { createGateway, type GatewayService } from '@parley/service-gateway';
import { createOrchestrator } from '@parley/service-orchestrator';
import { createTtsWorker, LOOK_AHEAD_MS } from '@parley/service-tts';

/** The services over given ports, as every mode runs them: the modes (and the simulation) differ in adapters only. */

export const gatewayOver = (
  ports: Parameters<typeof createGateway>[0],
  { apiKeys, devKeyAllowed }: ClientAccessConfig,
  { maxConnections, maxLagMs }: GatewayConfig['limits'],
): GatewayService => createGateway(ports, { apiKeys, devKeyAllowed, maxConnections, maxLagMs });

/** Of the turn policy only the longest time of a session is configured from outside yet. */
export const orchestratorOver = (
  ports: Parameters<typeof createOrchestrator>[0],
  { instructions, model, voice, modelMap, voiceMap, lipSync, sessionMaxMs }: Omit<ConversationConfig, 'llm'>,
  { maxSessions, maxLagMs }: OrchestratorConfig['limits'],
  journal = false,
): Service =>
  createOrchestrator(ports, {
    instructions,
    model,
    voice: voice ?? null,
    modelMap,
    voiceMap,
    lipSync,
    policy: { ...DEFAULT_POLICY, sessionMaxMs },
    maxSessions,
    maxLagMs,
    journal,
  });

export const ttsWorkerOver = (
  ports: Parameters<typeof createTtsWorker>[0],
  { maxVoiceJobs, maxLagMs }: TtsWorkerConfig['limits'],
): Service => createTtsWorker(ports, { maxJobs: maxVoiceJobs, maxLagMs, lookAheadMs: LOOK_AHEAD_MS });

/** Bridges to the local face, the one avatar there is. */
export const avatarBridgeOver = (ports: Omit<Parameters<typeof createAvatarBridge>[0], 'avatar'>): Service =>
  createAvatarBridge({ ...ports, avatar: createLocalAvatar() });
