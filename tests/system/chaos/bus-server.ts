import { holderOf } from './sockets';

/** `/connz` of nats-server's monitoring port, as far as it is read. */
interface Connections {
  connections: { port: number; subscriptions_list?: string[] }[];
}

/** More than a scene has. */
const MOST_CONNECTIONS = 1_024;

/** What the bus server knows of each connection, and the operating system of whose it is. */
export class BusServer {
  private readonly port: number;

  constructor(
    natsUrl: string,
    private readonly monitorUrl: string,
  ) {
    this.port = Number(new URL(natsUrl).port);
  }

  /** The subjects that each of these processes listens to. */
  async subjectsOf(pids: readonly number[]): Promise<Map<number, string[]>> {
    const answer = await fetch(`${this.monitorUrl}/connz?subs=1&limit=${MOST_CONNECTIONS}`);
    const { connections } = (await answer.json()) as Connections;
    const found = new Map<number, string[]>();
    for (const { port, subscriptions_list: subjects = [] } of connections) {
      const pid = holderOf(port, this.port, pids);
      if (pid !== undefined) found.set(pid, [...(found.get(pid) ?? []), ...subjects]);
    }
    return found;
  }
}

/** PROTOCOL.md, "The bus": the owner listens for a session's inputs under its epoch; the one with the highest is the owner. */
export function ownerOf(sessionId: string, listening: ReadonlyMap<number, readonly string[]>): number | undefined {
  const owners = [...listening].flatMap(([pid, subjects]) =>
    subjects.flatMap((subject) => {
      const [kind, session, epoch, end] = subject.split('.');
      return kind === 'session' && session === sessionId && end === 'in' ? [{ pid, epoch: Number(epoch) }] : [];
    }),
  );
  return owners.sort((a, b) => b.epoch - a.epoch)[0]?.pid;
}

/**
 * Of these voice workers the one that is bound to the session: it listens how far its audio was played. Undefined when another
 * still listens on account of an earlier answer: which is which cannot be seen.
 */
export function voiceOf(
  sessionId: string,
  listening: ReadonlyMap<number, readonly string[]>,
  workers: readonly number[],
): number | undefined {
  const [worker, ...others] = workers.filter((pid) => listening.get(pid)?.includes(`session.${sessionId}.report`));
  return others.length === 0 ? worker : undefined;
}
