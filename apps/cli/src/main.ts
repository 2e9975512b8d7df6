import { access, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WebSocket } from 'ws';
import { connectNatsBus, NatsJournal } from '@parley/adapter-bus-nats';
import { systemPorts } from '@parley/adapter-system';
import { msOfSamples, samplesOfBytes } from '@parley/model';
import type { LogPort } from '@parley/ports';
import { version } from '../../../package.json';
import { parseArguments } from './arguments';
import type { SayOptions } from './arguments';
import { EXIT } from './exit-codes';
import type { ExitCode } from './exit-codes';
import { HELP } from './help';
import { runJournalCommand, type JournalCommand } from './journal/commands';
import { jsonPrinter, readablePrinter } from './printer';
import { SpokenTurn } from './spoken-turn';
import { encodeWav } from './wav';

const out = (text: string): boolean => process.stdout.write(text);

function complain(message: string): void {
  process.stderr.write(`parley: ${message}\n`);
}

async function main(): Promise<ExitCode> {
  const parsed = parseArguments(process.argv.slice(2), process.env);
  switch (parsed.kind) {
    case 'help':
      out(HELP);
      return EXIT.done;
    case 'version':
      out(`${version}\n`);
      return EXIT.done;
    case 'bad':
      complain(parsed.message);
      return EXIT.usage;
    case 'say':
      return say(parsed.options);
    case 'journal':
      return lookIntoJournal(parsed.command, parsed.natsUrls);
  }
}

/** What the link logs is said again by the outcome of what was asked. */
const SILENT: LogPort = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

async function lookIntoJournal(command: JournalCommand, urls: readonly string[]): Promise<ExitCode> {
  const { timers, random, schedule } = systemPorts;
  const options = { urls, name: 'cli', inboxPrefix: '_INBOX.cli', log: SILENT, timers, random, schedule };
  try {
    const bus = await connectNatsBus(options);
    const voice = { line: (text: string) => void out(`${text}\n`), complain };
    const code = await runJournalCommand(command, new NatsJournal(bus), voice);
    await bus.close();
    return code;
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return EXIT.cannotConnect;
  }
}

async function say(options: SayOptions): Promise<ExitCode> {
  // Found out before the turn costs anything.
  if (options.out !== undefined && !(await exists(dirname(options.out)))) {
    complain(`--out: there is no directory '${dirname(options.out)}'; make it first`);
    return EXIT.usage;
  }
  const printer = options.json ? jsonPrinter(out) : readablePrinter(out);
  const { exitCode, message, heard } = await new SpokenTurn(options, { WebSocket, system: systemPorts, printer }).run();
  const written = await writeHeard(options.out, heard);
  const code = exitCode === EXIT.done && !written.ok ? EXIT.turnFailed : exitCode;
  if (options.json) out(`${JSON.stringify({ type: 'cli.result', exit_code: code, message })}\n`);
  if (exitCode !== EXIT.done) complain(message);
  else if (!options.json) out(`${message}\n`);
  if (!written.ok) complain(written.message);
  else if (written.message !== '' && !options.json) out(`${written.message}\n`);
  return code;
}

async function writeHeard(file: string | undefined, heard: Uint8Array): Promise<{ ok: boolean; message: string }> {
  if (file === undefined) return { ok: true, message: '' };
  if (heard.length === 0) return { ok: false, message: `no audio was heard: ${file} was not written` };
  try {
    await writeFile(file, encodeWav(heard));
    return { ok: true, message: `wrote ${file}: ${msOfSamples(samplesOfBytes(heard.length))} ms` };
  } catch (error) {
    return { ok: false, message: `--out: cannot write ${file}: ${error instanceof Error ? error.message : 'failed'}` };
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

// Ends even if the gateway leaves the closing handshake unanswered.
const exitCode = await main();
process.stdout.write('', () => process.exit(exitCode));
