import { OpenTurns } from './open-turns';
import { ReceivedAudio } from './received-audio';
import { ResponseFence } from './response-fence';
import { SentEvents } from './sent-events';

/** All that a client knows of the one session it is in. When that cannot be resumed, all of it goes with it. */
export class SessionMemory {
  readonly fence = new ResponseFence();
  readonly turns = new OpenTurns();
  readonly received = new ReceivedAudio();
  readonly sent = new SentEvents();
  lastEventId: string | undefined;
  private isBegun = false;

  /** `resumeToken`: of a session that an earlier client had, nothing of which is left here. */
  constructor(private resumeToken: string | null) {}

  /** The server has told the session once. */
  get begun(): boolean {
    return this.isBegun;
  }

  began(resumeToken: string | null): void {
    this.isBegun = true;
    this.resumeToken = resumeToken;
  }

  /** What a new connection adds to its address to get this session (PROTOCOL.md, "Resuming a session"). */
  query(): ReadonlyMap<string, string> {
    const query = new Map<string, string>();
    if (this.resumeToken === null) return query;
    query.set('resume', this.resumeToken);
    if (!this.isBegun) return query;
    if (this.lastEventId !== undefined) query.set('last_event_id', this.lastEventId);
    return query.set('received', JSON.stringify(this.received.statement()));
  }
}
