import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { RtspClient, type RtspClientHandler, type RtspClientOptions } from '@watchpost/media/rtsp/client.ts';

const script = fileURLToPath(new URL('gst-rtsp-server.py', import.meta.url));

/** What came out of one session. */
interface Session {
  codecs: string[];
  sizes: (number | undefined)[];
  rtp: number[];
  rtcp: number[];
  gaps: number;
  error: WatchpostError | undefined;
  garbageBytes: number;
}

/** Plays until `enough` says so, then tears the session down. */
async function play(options: RtspClientOptions, port: number, enough: (s: Session) => boolean): Promise<Session> {
  const session: Session = {
    codecs: [],
    sizes: [],
    rtp: [0, 0],
    rtcp: [0, 0],
    gaps: 0,
    error: undefined,
    garbageBytes: 0,
  };
  const next: (number | undefined)[] = [];
  const buffer = Buffer.alloc(64 * 1024);
  const { promise, resolve } = Promise.withResolvers<void>();
  const handler: RtspClientHandler = {
    send: (bytes) => socket.write(bytes),
    onTracks: (tracks) => {
      session.codecs = tracks.map((t) => t.track.codec);
      session.sizes = tracks.map((t) => t.track.width);
    },
    onPlaying: () => {},
    onInterleaved: (track, isRtcp, chunk, start) => {
      if (isRtcp) session.rtcp[track]! += 1;
      else {
        session.rtp[track]! += 1;
        const sequence = (chunk[start + 2]! << 8) | chunk[start + 3]!;
        if (next[track] !== undefined && next[track] !== sequence) session.gaps += 1;
        next[track] = (sequence + 1) & 0xffff;
      }
      if (enough(session)) client.teardown();
    },
    onEnd: (error) => {
      session.error = error;
      resolve();
    },
    connect: () => assert.fail('no redirect is expected'),
  };
  const client = new RtspClient(options, handler);
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer,
      callback: (count) => {
        client.receive(buffer, 0, count);
        // What follows in the shared buffer must not show in what was handed out.
        buffer.fill(0xee, 0, count);
        return true;
      },
    },
  });
  socket.on('connect', () => client.start());
  socket.on('error', () => {});
  socket.on('close', () => client.closed());
  const timer = setInterval(() => client.tick(performance.now()), 200);
  await promise;
  clearInterval(timer);
  socket.destroy();
  session.garbageBytes = client.garbageBytes;
  return session;
}

describe('GStreamer as a camera', { concurrency: true }, () => {
  for (const mode of ['none', 'basic', 'digest'] as const) {
    test(`the client plays from GStreamer's RTSP server over TCP with login ${mode}`, { timeout: 30_000 }, async () => {
      const server = spawn('/usr/bin/python3', [script, mode], { stdio: ['pipe', 'pipe', 'ignore'] });
      try {
        const [line] = (await once(server.stdout, 'data')) as [Buffer];
        const port = Number(line.toString());
        const url = `rtsp://127.0.0.1:${port}/test`;
        const credentials = { username: 'admin', password: 'p@ss:#1' };
        const session = await play(
          { url, userAgent: 'Watchpost', ...(mode === 'none' ? {} : { credentials }) },
          port,
          (s) => s.rtp[0]! >= 60 && s.rtp[1]! >= 60 && s.rtcp[0]! > 0,
        );
        assert.deepEqual(
          { ...session, rtp: session.rtp.map((n) => n >= 60), rtcp: session.rtcp.map((n) => n > 0) },
          {
            codecs: ['h264', 'pcma'],
            sizes: [320, undefined],
            rtp: [true, true],
            rtcp: [true, true],
            gaps: 0,
            error: undefined,
            garbageBytes: 0,
          },
        );
        if (mode === 'none') return;
        const wrong = { username: 'admin', password: 'no' };
        const refused = await play({ url, userAgent: 'Watchpost', credentials: wrong }, port, () => false);
        assert.equal(refused.error?.code, 'RTSP_CREDENTIALS_REFUSED');
        const missing = await play({ url, userAgent: 'Watchpost' }, port, () => false);
        assert.equal(missing.error?.code, 'RTSP_CREDENTIALS_MISSING');
        const nowhere = await play({ url: `${url}x`, userAgent: 'Watchpost', credentials }, port, () => false);
        assert.equal(nowhere.error?.kind, 'not_found');
      } finally {
        server.stdin.end();
        server.kill();
      }
    });
  }
});
