import type { ProviderFailureKind, SessionId } from '@parley/model';
import type { LogPort, TelemetryPort } from '@parley/ports';
import type { Observation } from '@parley/turn-engine';

/** A voice's failures are counted by the worker that had them; these have no worker. */
const UNSEEN_BY_WORKERS: readonly ProviderFailureKind[] = ['worker_lost', 'missing'];

/** Metrics and log lines of what the engine observed; ids and numbers only. */
export function record(observation: Observation, sessionId: SessionId, telemetry: TelemetryPort, log: LogPort): void {
  switch (observation.name) {
    case 'first-token':
      return telemetry.observe('parley_turn_first_token_seconds', {}, observation.ms / 1000);
    case 'response-ended':
      return telemetry.count('parley_turns_total', { status: observation.status });
    case 'tool-call':
      return telemetry.count('parley_tool_calls_total', { outcome: observation.outcome });
    case 'speculation':
      return telemetry.count('parley_speculations_total', { outcome: observation.outcome });
    case 'interrupted':
      return telemetry.count('parley_interruptions_total', { cause: observation.cause });
    case 'provider-failed': {
      const { provider, failure, responseId } = observation;
      if (provider === 'llm') telemetry.count('parley_llm_failures_total', { kind: failure });
      else if (UNSEEN_BY_WORKERS.includes(failure)) telemetry.count('parley_tts_failures_total', { kind: failure });
      return log.warn('a provider failed', { sessionId, responseId, provider, failure });
    }
    case 'voice-rebound':
      return telemetry.count('parley_voice_rebindings_total', {});
    case 'avatar-timeout': {
      const { stage, responseId } = observation;
      return log.warn('an avatar did not say in time what it does', { sessionId, responseId, stage });
    }
    case 'drain-timeout': {
      const { responseId, queuedSamples, elapsedMs } = observation;
      telemetry.count('parley_drain_timeouts_total', {});
      return log.warn('a tail was cleared by the drain timeout', { sessionId, responseId, queuedSamples, elapsedMs });
    }
  }
}
