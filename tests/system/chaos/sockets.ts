import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** `/proc/net/tcp` (proc_pid_net(5)): the columns that say whose a connection is. */
const LOCAL = 1;
const REMOTE = 2;
const STATE = 3;
const INODE = 9;
const ESTABLISHED = '01';

const hexOf = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');

/** Which of these processes has the connection from `clientPort` to `serverPort` on this machine, by the operating system. */
export function holderOf(clientPort: number, serverPort: number, pids: readonly number[]): number | undefined {
  const connection = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(
      (columns) =>
        columns[STATE] === ESTABLISHED &&
        columns[LOCAL]?.endsWith(`:${hexOf(clientPort)}`) &&
        columns[REMOTE]?.endsWith(`:${hexOf(serverPort)}`),
    );
  const inode = connection?.[INODE];
  return inode === undefined ? undefined : pids.find((pid) => socketsOf(pid).has(`socket:[${inode}]`));
}

function socketsOf(pid: number): Set<string> {
  const folder = `/proc/${pid}/fd`;
  const found = new Set<string>();
  for (const name of entriesOf(folder)) {
    try {
      found.add(readlinkSync(`${folder}/${name}`));
    } catch {
      // Closed since it was listed.
    }
  }
  return found;
}

/** Nothing of a process that is gone. */
function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
