import { METRICS, type MetricName, type TelemetryPort } from '@parley/ports';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The metrics of a process, and what `/metrics` answers. */
export interface Telemetry {
  port: TelemetryPort;
  /** All metrics in the Prometheus text format. */
  render(): Promise<string>;
}

/** A bus hop takes 0.1 ms and a store write 1 ms; a model's first token may take 10 s. */
const LATENCY_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2.5, 5, 10];
const EVENT_LOOP_SAMPLING_MS = 10;

/** Prometheus metrics of exactly `METRICS`, beside those of the process itself (CPU, memory, event loop lag). */
export function createTelemetry(): Telemetry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLING_MS });
  const counters = new Map<MetricName, Counter>();
  const gauges = new Map<MetricName, Gauge>();
  const histograms = new Map<MetricName, Histogram>();
  for (const name of metricNames()) {
    const { type, help, labels } = METRICS[name];
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(options));
    else if (type === 'gauge') gauges.set(name, new Gauge(options));
    else histograms.set(name, new Histogram({ ...options, buckets: LATENCY_BUCKETS_SECONDS }));
  }
  return {
    port: {
      count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
      gauge: (name, labels, value) => gauges.get(name)?.set(labels, value),
      observe: (name, labels, seconds) => histograms.get(name)?.observe(labels, seconds),
    },
    render: () => registry.metrics(),
  };
}

function metricNames(): MetricName[] {
  const isMetricName = (name: string): name is MetricName => Object.hasOwn(METRICS, name);
  return Object.keys(METRICS).filter(isMetricName);
}
