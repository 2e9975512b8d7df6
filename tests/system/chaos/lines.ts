import { startTcpProxy, type TcpProxy } from '@parley/harness';

/** A line of its own to each gateway for each client that asks, so that one can be cut and no other. */
export class Lines {
  private readonly proxies = new Map<string, TcpProxy>();

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

  at(address: string): TcpProxy | undefined {
    return this.proxies.get(address);
  }

  async close(): Promise<void> {
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
  }
}
