import type { ErrorCode, ProviderFailureKind, ResponseStatus } from '@parley/model';

/**
 * Every metric Parley has, named here and nowhere else. Times in seconds, names without ids as labels. The adapter
 * (`libs/runtime`) makes Prometheus metrics of exactly these.
 */
export const METRICS = {
  parley_sessions_active: { type: 'gauge', help: 'Sessions this process carries', labels: ['role'] },
  parley_event_loop_lag_seconds: {
    type: 'gauge',
    help: 'Wait at the event loop that a tenth of what arrived in the last second has exceeded',
    labels: [],
  },
  parley_takes_work: { type: 'gauge', help: '1 while this process takes new work, else 0', labels: ['role'] },
  parley_sessions_total: { type: 'counter', help: 'Sessions this process ever carried', labels: ['role'] },
  parley_connections_refused_total: { type: 'counter', help: 'Upgrades refused, by reason', labels: ['reason'] },
  parley_turns_total: { type: 'counter', help: 'Responses ended, by status', labels: ['status'] },
  parley_turn_first_token_seconds: { type: 'histogram', help: 'Turn accepted to first token of the model', labels: [] },
  parley_turn_first_audio_seconds: {
    type: 'histogram',
    help: 'Turn received at the gateway to first audio written to the client',
    labels: [],
  },
  parley_speculations_total: {
    type: 'counter',
    help: 'Answers begun before the final transcript, by what became of them',
    labels: ['outcome'],
  },
  parley_voice_rebindings_total: {
    type: 'counter',
    help: 'Responses given to another voice worker in mid-answer, because theirs was lost',
    labels: [],
  },
  parley_tool_calls_total: {
    type: 'counter',
    help: 'Functions the model called, by what became of them',
    labels: ['outcome'],
  },
  parley_interruptions_total: { type: 'counter', help: 'Interrupted responses, by cause', labels: ['cause'] },
  parley_interrupt_fence_seconds: {
    type: 'histogram',
    help: 'Interrupt received to output fenced at the gateway',
    labels: [],
  },
  parley_interrupt_confirmed_seconds: {
    type: 'histogram',
    help: 'Interrupt received to its confirmation written to the client',
    labels: [],
  },
  parley_stale_chunks_dropped_total: { type: 'counter', help: 'Audio chunks dropped by a fence', labels: ['reason'] },
  parley_drain_timeouts_total: {
    type: 'counter',
    help: 'Tails ended by the drain timeout instead of by playback',
    labels: [],
  },
  parley_errors_total: { type: 'counter', help: 'Error events sent to clients, by code', labels: ['code'] },
  parley_llm_failures_total: { type: 'counter', help: 'Language model failures, by kind', labels: ['kind'] },
  parley_tts_failures_total: { type: 'counter', help: 'Voice failures, by kind', labels: ['kind'] },
  parley_tts_first_byte_seconds: { type: 'histogram', help: 'Segment ordered to first audio of the voice', labels: [] },
  parley_tts_segments_total: { type: 'counter', help: 'Segments spoken by this worker', labels: [] },
  parley_tts_jobs_active: { type: 'gauge', help: 'Responses bound to this worker', labels: [] },
  parley_avatar_segments_total: { type: 'counter', help: 'Stretches animated by this worker', labels: [] },
  parley_claims_total: { type: 'counter', help: 'Session claims, by outcome', labels: ['outcome'] },
  parley_resumes_total: {
    type: 'counter',
    help: 'Clients that came back with their token, by what came of it',
    labels: ['outcome'],
  },
  parley_takeovers_total: { type: 'counter', help: 'Sessions taken over from an owner that was lost', labels: [] },
  parley_store_write_seconds: { type: 'histogram', help: 'One write of a session state', labels: [] },
  parley_store_failures_total: {
    type: 'counter',
    help: 'Store calls that failed, by operation',
    labels: ['operation'],
  },
  parley_outputs_resent_total: {
    type: 'counter',
    help: 'Owner outputs sent again because they were not acknowledged',
    labels: [],
  },
  parley_inputs_resent_total: { type: 'counter', help: 'Inputs sent again because they were not answered', labels: [] },
} as const satisfies Record<
  string,
  { type: 'counter' | 'gauge' | 'histogram'; help: string; labels: readonly string[] }
>;

export type MetricName = keyof typeof METRICS;
type NamesOf<Type> = { [N in MetricName]: (typeof METRICS)[N]['type'] extends Type ? N : never }[MetricName];
export type CounterName = NamesOf<'counter'>;
export type GaugeName = NamesOf<'gauge'>;
export type HistogramName = NamesOf<'histogram'>;
export type MetricLabels<N extends MetricName> = (typeof METRICS)[N]['labels'] extends readonly []
  ? Record<string, never>
  : Record<(typeof METRICS)[N]['labels'][number], string>;

/** Values that appear as labels, so that dashboards can list them. */
export type TurnStatusLabel = ResponseStatus;
export type ErrorLabel = ErrorCode;
export type FailureLabel = ProviderFailureKind;

export interface TelemetryPort {
  count<N extends CounterName>(name: N, labels: MetricLabels<N>, by?: number): void;
  gauge<N extends GaugeName>(name: N, labels: MetricLabels<N>, value: number): void;
  /** `seconds` is not negative. */
  observe<N extends HistogramName>(name: N, labels: MetricLabels<N>, seconds: number): void;
}
