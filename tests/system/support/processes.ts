import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What /proc says of other processes. */

export function environmentOf(pid: number): Record<string, string> {
  const entries = read(pid, 'environ').split('\0').filter(Boolean);
  return Object.fromEntries(
    entries.map((entry) => [entry.split('=', 1)[0] ?? '', entry.slice(entry.indexOf('=') + 1)]),
  );
}

/**
 * The command lines of the processes that were started with `tmpDir` as their place for temporary files, by process id.
 * Redis writes its title over its environment: it shows by the folder it works in.
 */
export function processesOf(tmpDir: string): Map<number, string> {
  const found = new Map<number, string>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    if (environmentOf(pid)['TMPDIR'] === tmpDir || workingFolderOf(pid).startsWith(`${tmpDir}/`)) {
      found.set(pid, read(pid, 'cmdline').replaceAll('\0', ' ').trim());
    }
  }
  return found;
}

function workingFolderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Empty for a process that is gone, is a zombie or is somebody else's. */
function read(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
