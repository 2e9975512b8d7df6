import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SystemPorts } from '@parley/ports';
import { selfSigned } from './self-signed';

/** Where a certificate and its key are. */
export interface CertificateFiles {
  certificate: string;
  key: string;
}

/** Years: begun ones count. */
const LIFE_YEARS = 2;

/**
 * The certificate of this machine, made where there is none. It is kept, so that whoever trusts it can go on doing so, and all
 * processes of a user share it. Each calendar year has its own, which outlives it by one: nothing ever expires under a
 * server that was started with it.
 */
export async function developmentCertificate(
  folder: string,
  { clock, random }: Pick<SystemPorts, 'clock' | 'random'>,
): Promise<CertificateFiles> {
  const year = new Date(clock.wallMs()).getUTCFullYear();
  const home = path.join(folder, `tls-${year}`);
  const files = filesIn(home);
  if (await isThere(files.key)) return files;
  await mkdir(folder, { recursive: true });
  const draft = await mkdtemp(path.join(folder, 'draft-'));
  const validity = { from: new Date(Date.UTC(year, 0)), to: new Date(Date.UTC(year + LIFE_YEARS, 0)) };
  const made = selfSigned('Parley, for development', `01${random.hex(15)}`, validity);
  await writeFile(filesIn(draft).certificate, made.certificate);
  await writeFile(filesIn(draft).key, made.key, { mode: 0o600 });
  // Whole or not at all, and once: another process may be doing the same, and the first one is taken.
  await rename(draft, home).catch(async (error: unknown) => {
    await rm(draft, { recursive: true });
    if (!(await isThere(files.key))) throw error;
  });
  return files;
}

const filesIn = (folder: string): CertificateFiles => ({
  certificate: path.join(folder, 'certificate.pem'),
  key: path.join(folder, 'key.pem'),
});

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
