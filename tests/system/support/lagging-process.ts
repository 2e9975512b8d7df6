/** Of every half second a lagging process stands still for so long: its event loop is late, and it does all its work in the end. */
const STILL_MS = 350;
const RUNNING_MS = 150;

/** Makes a process late, from outside: by signals, as a host does that has too much to do. */
export class LaggingProcess {
  private timer: NodeJS.Timeout;

  constructor(private readonly pid: number) {
    this.timer = this.stop();
  }

  end(): void {
    clearTimeout(this.timer);
    this.signal('SIGCONT');
  }

  private stop(): NodeJS.Timeout {
    this.signal('SIGSTOP');
    return setTimeout(() => {
      this.signal('SIGCONT');
      this.timer = setTimeout(() => (this.timer = this.stop()), RUNNING_MS);
    }, STILL_MS);
  }

  /** It may have ended. */
  private signal(signal: NodeJS.Signals): void {
    try {
      process.kill(this.pid, signal);
    } catch {
      clearTimeout(this.timer);
    }
  }
}
