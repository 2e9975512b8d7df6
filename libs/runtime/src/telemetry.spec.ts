import { METRICS } from '@parley/ports';
import { createTelemetry } from './telemetry';

describe('telemetry', () => {
  it('has every metric of the list with its help, and a test can read what moved', async () => {
    const { port, render } = createTelemetry();
    port.count('parley_turns_total', { status: 'completed' });
    port.count('parley_turns_total', { status: 'completed' }, 2);
    port.gauge('parley_sessions_active', { role: 'gateway' }, 7);
    port.gauge('parley_sessions_active', { role: 'gateway' }, 5);
    port.observe('parley_turn_first_audio_seconds', {}, 0.004);
    const text = await render();
    for (const [name, { help, type }] of Object.entries(METRICS)) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
    expect(text).toContain('parley_turns_total{status="completed"} 3\n');
    expect(text).toContain('parley_sessions_active{role="gateway"} 5\n');
    expect(text).toContain('parley_turn_first_audio_seconds_bucket{le="0.0025"} 0\n');
    expect(text).toContain('parley_turn_first_audio_seconds_bucket{le="0.005"} 1\n');
    expect(text).toContain('parley_turn_first_audio_seconds_count 1\n');
  });

  it('tells latencies apart from 1 ms to 10 s', async () => {
    const { port, render } = createTelemetry();
    port.observe('parley_store_write_seconds', {}, 0.0005);
    port.observe('parley_store_write_seconds', {}, 9);
    const buckets = [...(await render()).matchAll(/parley_store_write_seconds_bucket\{le="([\d.]+)"\}/g)];
    expect([buckets.at(0)?.[1], buckets.at(-1)?.[1]]).toEqual(['0.001', '10']);
  });

  it('starts counters without labels at zero, so that a rate sees the first event', async () => {
    expect(await createTelemetry().render()).toContain('parley_takeovers_total 0\n');
  });

  it('reports the process itself: CPU, memory, event loop lag', async () => {
    const text = await createTelemetry().render();
    for (const name of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text).toContain(`# TYPE ${name}`);
    }
  });

  it('keeps the metrics of two of them apart', async () => {
    const [first, second] = [createTelemetry(), createTelemetry()];
    first.port.count('parley_takeovers_total', {});
    expect(await second.render()).toContain('parley_takeovers_total 0\n');
  });
});
