import { once } from 'node:events';
import net from 'node:net';

/** What the proxy does to connections and their bytes. `freeze`: nothing moves, nobody is told. `one-way`: nothing reaches the server. */
export type ChaosMode = 'pass' | 'freeze' | 'one-way' | 'refuse';

/** A TCP proxy on loopback that breaks connections on purpose. */
export class ChaosProxy implements AsyncDisposable {
  mode: ChaosMode = 'pass';
  /** Connections so far. */
  connections = 0;
  readonly #delayMs: number;
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();

  private constructor(targetPort: number, delayMs: number) {
    this.#delayMs = delayMs;
    this.#server = net.createServer((client) => this.#accept(client, targetPort));
  }

  /** Listens on a free port; bytes take `delayMs` each way. */
  static async open(targetPort: number, delayMs = 0): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(targetPort, delayMs);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Breaks all connections: with a FIN, or a reset. */
  cut(how: 'end' | 'reset' = 'reset'): void {
    for (const pair of this.#pairs)
      for (const socket of pair) {
        if (how === 'reset') socket.resetAndDestroy();
        else socket.destroy();
      }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: net.Socket, targetPort: number): void {
    this.connections++;
    if (this.mode === 'refuse') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const target = net.connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    const pair = [client, target] as const;
    this.#pairs.add(pair);
    this.#pump(client, target, () => this.mode === 'pass');
    this.#pump(target, client, () => this.mode === 'pass' || this.mode === 'one-way');
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        // A link that is frozen does not even tell that it is gone.
        const tell = () => {
          if (this.mode === 'freeze') setTimeout(tell, 100);
          else for (const other of pair) other.destroy();
        };
        tell();
      });
    }
  }

  /** What a frozen link swallows is gone, as on a line that is cut. */
  #pump(from: net.Socket, to: net.Socket, passes: () => boolean): void {
    from.on('data', (bytes: Buffer) => {
      if (!passes()) return;
      const write = () => {
        if (to.destroyed || to.write(bytes)) return;
        from.pause();
        to.once('drain', () => from.resume());
      };
      if (this.#delayMs > 0) setTimeout(write, this.#delayMs);
      else write();
    });
  }
}
