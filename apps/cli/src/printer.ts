/** What happened, for people or for programs. `atMs` counts from sending. */
export interface Printer {
  /** One line for people; nothing in JSON mode. */
  line(atMs: number, what: string, detail?: string): void;
  /** One line for programs; nothing in readable mode. */
  json(atMs: number, event: { type: string } & Readonly<Record<string, unknown>>): void;
}

export function readablePrinter(write: (text: string) => void): Printer {
  return {
    line: (atMs, what, detail = '') =>
      write(`${atMs.toFixed(0).padStart(7)} ms  ${what.padEnd(12)} ${detail}`.trimEnd() + '\n'),
    json: () => {},
  };
}

export function jsonPrinter(write: (text: string) => void): Printer {
  return {
    line: () => {},
    json: (atMs, event) => write(`${JSON.stringify({ at_ms: Number(atMs.toFixed(1)), ...event })}\n`),
  };
}
