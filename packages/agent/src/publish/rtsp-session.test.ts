import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSdp } from '@watchpost/media/sdp/parse.ts';
import { tracksFromSdp } from '@watchpost/media/sdp/tracks.ts';
import { readAgentConfig } from '../config/read-config.ts';
import type { Connection, ConnectionHandler, DialOptions, Platform } from '../platform/platform.ts';
import type { PulledStream } from '../pull/camera-pull.ts';
import { RtspSession } from './rtsp-session.ts';

const local = readAgentConfig(
  {
    agent: { tunnel_server_url: 'ws://s.example/tunnel' },
    cameras: [{ name: 'c', host: '10.0.0.20' }],
    publish: [{ camera: 'c', url: 'rtsp://s.example:8554/live/cam' }],
  },
  { file: 'agent.json', stateDir: '/s' },
);

function stream(): PulledStream {
  const sdp = parseSdp(new TextEncoder().encode('v=0\r\ns=x\r\nm=audio 0 RTP/AVP 8\r\na=control:1'));
  return { sdp, tracks: tracksFromSdp(sdp), mediaIndices: [0], indices: [0] };
}

/** Publishes to a server that answers each request with what `answer` gives for its method; tells who was called, how it ended, and what it sent. */
async function publishTo(answer: (method: string) => string) {
  const dialed: string[] = [];
  const sent: string[] = [];
  const dial = async ({ host, port }: DialOptions, handler: ConnectionHandler): Promise<Connection> => {
    dialed.push(`${host}:${port}`);
    const write = (bytes: Uint8Array) => {
      const request = new TextDecoder().decode(bytes);
      sent.push(request);
      if (request.startsWith('RTSP/')) return true;
      const [, cseq] = /^CSeq: (\d+)/m.exec(request)!;
      const text = answer(request.split(' ')[0]!).replace('\r\n', `\r\nCSeq: ${cseq}\r\n`);
      queueMicrotask(() => handler.onData(new TextEncoder().encode(text)));
      return true;
    };
    return { write, end: () => {}, destroy: () => {}, pause: () => {}, resume: () => {}, waitingBytes: 0 };
  };
  const platform = { clock: new ManualClock(), dial } as Partial<Platform> as Platform;
  const task = { platform, logger: silentLogger, publish: local.publish[0]!, stream: stream(), trust: {}, local };
  const session = new RtspSession(task);
  const ended = session.run(new AbortController().signal).catch((error) => error);
  for (let i = 0; i < 40; i++) await Promise.resolve();
  session.stop();
  return { dialed, sent, error: await ended };
}

for (const status of [300, 301, 302, 303, 305, 307])
  for (const method of ['ANNOUNCE', 'SETUP', 'RECORD'])
    test(`a server that answers ${method} with ${status} has nobody else called`, async () => {
      const moved = `RTSP/1.0 ${status} Moved\r\nLocation: rtsp://me:hush@10.0.0.1:22/x\r\n\r\n`;
      const { dialed, error } = await publishTo((asked) => (asked === method ? moved : 'RTSP/1.0 200 OK\r\n\r\n'));
      assert.deepEqual(dialed, ['s.example:8554']);
      assert.ok(error instanceof WatchpostError);
      assert.equal(error.code, 'RTSP_PUBLISH_REFUSED');
      assert.match(error.message, /are not followed: set the address .*rtsp:\/\/\*\*\*@10\.0\.0\.1:22\/x/);
    });

test('a server that redirects at OPTIONS, or by a request of its own, has nobody else called', async () => {
  const location = 'Location: rtsp://10.0.0.1:22/x\r\n\r\n';
  const order = `REDIRECT rtsp://s.example:8554/live/cam RTSP/1.0\r\nCSeq: 900\r\n${location}`;
  const { dialed, sent, error } = await publishTo((asked) =>
    asked === 'OPTIONS' ? `RTSP/1.0 302 Moved\r\n${location}` : `RTSP/1.0 200 OK\r\n\r\n${order}`,
  );
  assert.deepEqual([dialed, error], [['s.example:8554'], undefined]);
  assert.ok(sent.some((text) => text.startsWith('RTSP/1.0 501')));
  assert.ok(
    sent.some((text) => text.startsWith('RECORD ')),
    'it goes on where it is',
  );
});
