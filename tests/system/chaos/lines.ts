import { startTcpProxy, type TcpProxy } from '@parley/harness';

/** A line of its own to each gateway for each client that asks, so that one can be cut and no other. */
export class Lines {
  private readonly proxies = new Map<string, TcpProxy>();
  private readonly silent = new Set<string>();

  /** Addresses that lead to these gateways. */
  async lay(gatewayUrls: readonly string[]): Promise<string[]> {
    return Promise.all(
      gatewayUrls.map(async (url) => {
        const proxy = await startTcpProxy(Number(new URL(url).port));
        const address = `http://127.0.0.1:${proxy.port}`;
        this.proxies.set(address, proxy);
        return address;
      }),
    );
  }

  cut(address: string): void {
    this.proxies.get(address)?.cut();
  }

  /** Nothing passes for so long; then what is left of it goes on. */
  silence(address: string, ms: number): void {
    const line = this.proxies.get(address);
    line?.blackhole();
    this.silent.add(address);
    setTimeout(() => {
      line?.heal();
      this.silent.delete(address);
    }, ms);
  }

  isSilent(address: string): boolean {
    return this.silent.has(address);
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
  }
}
