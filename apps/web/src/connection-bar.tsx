import type { Connection } from './talk';

interface ConnectionBarProps {
  connection: Connection;
  latencyMs: number | undefined;
}

const LABELS: Record<Connection['phase'], string> = {
  connecting: 'Connecting',
  open: 'Connected',
  reconnecting: 'Reconnecting…',
  closed: 'Disconnected',
  'key-needed': 'Not connected',
};

export function ConnectionBar({ connection, latencyMs }: ConnectionBarProps) {
  return (
    <p className="connection" data-phase={connection.phase} data-testid="connection">
      <span role="status">{LABELS[connection.phase]}</span>
      {latencyMs !== undefined && <span className="latency">{Math.round(latencyMs)} ms</span>}
    </p>
  );
}
