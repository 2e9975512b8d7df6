import { readEnvOptions } from './env-options';
import { startFakeProviders } from './fake-providers';

/** The fakes as a process of their own; prints `READY <url>` when they listen, ends on SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const { port, chat, speech } = readEnvOptions(process.env);
  const providers = await startFakeProviders({ port });
  providers.setDefaultChat(chat);
  providers.setDefaultSpeech(speech);
  const stop = (): void => void providers.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`READY ${providers.url}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
