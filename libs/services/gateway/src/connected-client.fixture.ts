import type { ClientEvent } from '@parley/model';
import { ClientSession } from './client-session';
import { dialectOf } from './dialects/upgrade';
import { TestConnection } from './gateway-stage.fixture';
import type { LinkStage } from './link/link-stage.fixture';

/** A client of `parley.v1` with a session of its own, which has its owner. */
export class ConnectedClient {
  readonly connection = new TestConnection();
  readonly session: ClientSession;
  /** How often the session has said that it is over. */
  overs = 0;

  private constructor(private readonly stage: LinkStage) {
    this.session = new ClientSession(
      stage.ports,
      stage.sessionLink,
      this.connection,
      { dialect: dialectOf('parley'), parley: true, binary: false },
      [{ type: 'session.created' }],
      undefined,
      stage.log,
      () => this.overs++,
    );
  }

  static async of(stage: LinkStage): Promise<ConnectedClient> {
    await stage.now(stage.attach());
    return new ConnectedClient(stage);
  }

  send(event: ClientEvent | Record<string, unknown>): void {
    this.session.onText(JSON.stringify(event));
  }

  says(text: string): void {
    this.send({ type: 'parley.transcript.final', text });
  }

  /** Closes the connection; its session ends once, and leaves nothing behind. */
  async end(): Promise<void> {
    this.session.onClosed(1000);
    await this.stage.pass(5_000);
    expect(this.overs).toBe(1);
    await this.stage.leavesNothing();
  }
}
