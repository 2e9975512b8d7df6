import type { Socket } from 'node:net';
import type { ClusterMember } from '../support/cluster-process';
import { startFakedCluster, type FakedCluster } from '../support/faked-cluster';
import { fieldsOf } from '../support/fields';
import { handshake, type Handshake, type HandshakeOptions } from '../support/handshake';
import { finishTurn, type SpokenResponse } from '../support/spoken-turn';
import { TestClient } from '../support/test-client';

export const SAMPLES_PER_CHARACTER = 120;
export const bearer = { authorization: 'Bearer dev' };

export const userItem = (text: string, id?: string): Record<string, unknown> => ({
  type: 'message',
  ...(id === undefined ? {} : { id }),
  role: 'user',
  content: [{ type: 'input_text', text }],
});

export const createdId = async (client: TestClient, from = 0): Promise<string> =>
  String(fieldsOf((await client.waitForType('response.created', 5_000, from))['response'])['id']);

/** One pipelined turn of a Realtime client to its end. */
export async function runTurn(client: TestClient, text: string): Promise<SpokenResponse> {
  const from = client.arrivals.length;
  client.send({ type: 'conversation.item.create', item: userItem(text) });
  client.send({ type: 'response.create' });
  return finishTurn(client, await createdId(client, from), { from, startedMs: performance.now() });
}

/** A cluster seen from its clients, and those that a test connects. */
export class ProtocolStage {
  private readonly clients: TestClient[] = [];
  private readonly sockets: Socket[] = [];

  private constructor(readonly faked: FakedCluster) {}

  static async started(): Promise<ProtocolStage> {
    const modelMap = 'gpt-realtime=large,gpt-realtime-mini=small';
    return new ProtocolStage(await startFakedCluster([], { PARLEY_MODEL_MAP: modelMap }));
  }

  get url(): string {
    return this.faked.cluster.url;
  }

  only(role: ClusterMember['role']): ClusterMember {
    const [member] = this.faked.cluster.running(role);
    if (!member) throw new Error(`no ${role} is running`);
    return member;
  }

  async connect(options: Partial<Parameters<typeof TestClient.connect>[0]> = {}): Promise<TestClient> {
    const client = await TestClient.connect({ url: this.url, ...options });
    this.clients.push(client);
    return client;
  }

  /** As an unmodified Realtime client connects: JSON audio, none of Parley's events. */
  connectRealtime(): Promise<TestClient> {
    return this.connect({ subprotocols: ['realtime'], binary: false });
  }

  async shake(options: HandshakeOptions = {}): Promise<Handshake> {
    const answer = await handshake(this.url, options);
    if (answer.socket) this.sockets.push(answer.socket);
    return answer;
  }

  /** The messages of the chat request that a text of a user began. */
  async askedFor(text: string): Promise<{ role: string; content: string }[]> {
    const asked = await this.faked.llm.waitForRequest(
      (request) => request.kind === 'chat' && request.text === text,
      5_000,
    );
    const messages = asked.kind === 'chat' ? (asked.body.messages ?? []) : [];
    return messages.map(({ role, content }) => ({ role, content: String(content) }));
  }

  /** Ends what a test connected. */
  async disconnect(): Promise<void> {
    for (const socket of this.sockets.splice(0)) socket.destroy();
    await Promise.all(this.clients.splice(0).map((client) => client.close()));
  }

  stop(): Promise<void> {
    return this.faked.stop();
  }
}
