import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentOf, startFakedCluster, startFakes, type Fakes } from '../support/faked-cluster';
import { npmStart } from '../support/npm-start';
import { until } from '../support/until';

/** A Parley that listens over TLS, with a certificate that nobody trusts who is not told to. */
export interface SecureServer extends Fakes {
  url: string;
  /** The file of its certificate. */
  certificate: string;
  stop(): Promise<void>;
}

/** Where the certificate for development is kept is a matter of the home directory. */
interface Home {
  folder: string;
  remove(): void;
}

/** As a user types it: everything in one process. */
export async function startAlone(): Promise<SecureServer> {
  const home = newHome();
  const fakes = await startFakes();
  const env = { HOME: home.folder, PARLEY_PORT: '0', PARLEY_TLS_PORT: '0', PARLEY_TTS: 'openai' };
  const started = npmStart('npm', { ...environmentOf(fakes), ...env });
  await started.ready();
  return {
    ...fakes,
    ...addressIn(started.stdout()),
    stop: async () => {
      started.child.kill('SIGTERM');
      await started.exited;
      await Promise.all([fakes.llm.close(), fakes.voice.close()]);
      home.remove();
    },
  };
}

/** As `npm run cluster` does: a process for each service, over NATS and Redis of its own. */
export async function startTogether(): Promise<SecureServer> {
  const home = newHome();
  const faked = await startFakedCluster([], { HOME: home.folder, PARLEY_TLS_PORT: '0' });
  return {
    llm: faked.llm,
    voice: faked.voice,
    ...addressIn(await until('the address', () => /^tls .*$/m.exec(faked.cluster.output())?.[0])),
    stop: async () => {
      await faked.stop();
      home.remove();
    },
  };
}

function addressIn(output: string): { url: string; certificate: string } {
  const [, url, certificate] = /^tls (https:\S+) certificate=(\S+)$/im.exec(output) ?? [];
  if (url === undefined || certificate === undefined) throw new Error(`no address over TLS in\n${output}`);
  return { url, certificate };
}

function newHome(): Home {
  const folder = mkdtempSync(join(tmpdir(), 'parley-clients-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
