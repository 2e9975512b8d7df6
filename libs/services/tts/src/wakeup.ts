/** Lets one loop sleep until something it looks at has changed. A wake-up before the sleep is not lost. */
export class Wakeup {
  private resolve: (() => void) | undefined;
  private woken = false;

  sleep(): Promise<void> {
    if (this.woken) {
      this.woken = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  wake(): void {
    const resolve = this.resolve;
    this.resolve = undefined;
    if (resolve === undefined) this.woken = true;
    else resolve();
  }
}
