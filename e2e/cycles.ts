// Many players that come, see something, and go: what a server keeps of them must not grow.
import { readdirSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { type RtspCamera, startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { freePort, startTestServer, type TestServer, wait } from './harness.ts';
import { HeapInspector } from './heap-inspector.ts';

const cycleWithinMs = 10_000;
const settleWithinMs = 40_000;
/** Not HLS: one playlist stays for a while, as nobody says that they leave. */
const players = ['rtsp', 'flv', 'fmp4'];

/** What a server holds. */
export interface Holdings {
  readonly rssMb: number;
  readonly files: number;
  readonly readers: number;
  readonly rtspConnections: number;
}

/** A server with one camera, to come to and go from. */
export interface CycleBench extends AsyncDisposable {
  readonly server: TestServer;
  /** So many cycles of all kinds of players; throws where one sees nothing. */
  run(count: number): Promise<void>;
  /** What it holds once everybody has left and V8 has collected what nobody holds. */
  settled(): Promise<Holdings>;
}

/** Starts both. */
export async function openCycleBench(): Promise<CycleBench> {
  const stack = new AsyncDisposableStack();
  const camera: RtspCamera = stack.use(await startRtspCamera({ port: 0 }));
  const rtspPort = await freePort();
  const inspectPort = await freePort();
  process.env['NODE_OPTIONS'] = `--inspect-port=${inspectPort}`;
  const server = stack.use(
    await startTestServer({
      cameras: [{ id: 'cam', url: camera.urls['sub']!, more: 'record = false' }],
      more: `[protocols.rtsp]\nbind = "127.0.0.1:${rtspPort}"\n[protocols.rtmp]\nbind = "127.0.0.1:${await freePort()}"`,
    }),
  );
  const heap = stack.use(await HeapInspector.open(server.pid, inspectPort));
  await server.waitFor('cam', 'online', 15_000);
  const httpPort = Number(new URL(server.base).port);
  const kinds = [
    () => rtspCycle(rtspPort),
    () => rtspCycle(rtspPort),
    () => httpCycle(httpPort, '/flv/cam.flv', {}),
    () => httpCycle(httpPort, '/fmp4/cam', webSocket),
    () => httpCycle(httpPort, '/hls/cam/index.m3u8', { Connection: 'close' }),
  ];
  return {
    server,
    run: async (count) => {
      let next = 0;
      const lane = async () => {
        while (next < count) await kinds[next++ % kinds.length]!();
      };
      await Promise.all(Array.from({ length: 8 }, lane));
    },
    settled: async () => {
      let holdings = await holdingsOf(server);
      const isQuiet = () => holdings.readers === 0 && holdings.rtspConnections === 0;
      for (const endMs = performance.now() + settleWithinMs; !isQuiet() && performance.now() < endMs; await wait(250))
        holdings = await holdingsOf(server);
      // Twice: what is closed when it is collected is garbage for the second time.
      for (let i = 0; i < 2; i++) await heap.collect();
      return await holdingsOf(server);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const webSocket = {
  ...{ Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' },
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

async function holdingsOf(server: TestServer): Promise<Holdings> {
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  const stats = await server.api<{ readers: readonly { protocol: string; count: number }[] }>('/streams/cam/stats');
  const metrics = await (await fetch(`${server.base}/metrics`)).text();
  return {
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024,
    files: readdirSync(`/proc/${server.pid}/fd`).length,
    readers: stats.readers
      .filter(({ protocol }) => players.includes(protocol))
      .reduce((sum, { count }) => sum + count, 0),
    rtspConnections: Number(/^watchpost_protocol\S*connections\S*protocol="rtsp"\S* (\d+)/m.exec(metrics)?.[1] ?? 0),
  };
}

/** Connects, plays, sees a packet; every other one says goodbye, the others just go. */
async function rtspCycle(port: number): Promise<void> {
  const url = `rtsp://127.0.0.1:${port}/live/cam`;
  const requests = [
    `DESCRIBE ${url} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
    `SETUP ${url}/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`,
    `PLAY ${url} RTSP/1.0\r\nCSeq: 3\r\n\r\n`,
  ];
  let sent = 0;
  await cycle(port, requests[sent++]!, (chunk, socket) => {
    const text = chunk.toString('latin1');
    if (sent < requests.length) {
      if (!text.startsWith('RTSP/1.0 200')) throw new Error(text);
      socket.write(requests[sent++]!);
      return false;
    }
    // A whole picture follows the answer to PLAY.
    if (!text.includes('$')) return false;
    if (Math.random() < 0.5) socket.write(`TEARDOWN ${url} RTSP/1.0\r\nCSeq: 4\r\n\r\n`);
    return true;
  });
}

/** Asks for an address and waits for some of what it gives, beyond the head. */
async function httpCycle(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<void> {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  let text = '';
  await cycle(port, `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`, (chunk) => {
    text += chunk.toString('latin1');
    if (!/^HTTP\/1\.1 (200|101)/.test(text)) throw new Error(`${path}: ${text.slice(0, 300)}`);
    const head = text.indexOf('\r\n\r\n');
    return head >= 0 && text.length > head + 4;
  });
}

function cycle(port: number, first: string, isEnough: (chunk: Buffer, socket: net.Socket) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(first));
    const timer = setTimeout(() => finish(new Error(`nothing came: ${first}`)), cycleWithinMs);
    const finish = (error?: unknown) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => {});
      socket.destroySoon();
      setTimeout(() => socket.destroy(), 200).unref();
      if (error) reject(error);
      else resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        if (isEnough(chunk, socket)) finish();
      } catch (error) {
        finish(error);
      }
    });
    socket.on('error', finish);
    socket.on('close', () => finish(new Error(`closed: ${first}`)));
  });
}
