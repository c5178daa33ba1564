import { wait } from './harness.ts';

const openTries = 50;
const collectWithinMs = 20_000;

/** Debugging of a Node process that was started with `--inspect-port`; opened as `kill -USR1` does. */
export class HeapInspector implements Disposable {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async open(pid: number, port: number): Promise<HeapInspector> {
    process.kill(pid, 'SIGUSR1');
    for (let i = 0; ; i++) {
      try {
        const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as [InspectorTarget];
        const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
        await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
        return new HeapInspector(socket);
      } catch (error) {
        if (i === openTries) throw error;
        await wait(100);
      }
    }
  }

  /** All that nobody holds any more is gone afterwards. */
  collect(): Promise<void> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('garbage was not collected in time')), collectWithinMs);
      this.#socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(data) as { readonly id?: number; readonly error?: { readonly message: string } };
        if (answer.id !== id) return;
        clearTimeout(timer);
        if (answer.error) reject(new Error(answer.error.message));
        else resolve();
      });
      this.#socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
    });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

interface InspectorTarget {
  readonly webSocketDebuggerUrl: string;
}
