import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFrameNumber } from '@watchpost/simulator/frame-number.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { ChaosProxy } from './chaos-proxy.ts';
import { freePort, runProgram, startTestServer, wait } from './harness.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

const chaosMs = Number(process.env['CHAOS_SECONDS'] ?? 240) * 1000;
const flows = 36;

test('an uplink that is off for 30 s: FFmpeg notices nothing, and the link is back within 3 s', async () => {
  await using camera = await startRtspCamera({ port: 0 });
  await using server = await startTestServer({ more: `[tunnel]\nfirst_port = ${await freePort()}` });
  await using uplink = await ChaosProxy.open(Number(new URL(server.base).port));
  const config = { cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main' }] };
  const options = { id: 'gate', token: await enrolmentToken(server), config };
  await using agent = new TestAgentProcess(`ws://127.0.0.1:${uplink.port}/tunnel`, options).start();
  const { local_port } = await tunnelOnce(server, 'gate', { is: (tunnel) => tunnel.local_port !== null });
  const file = join(tmpdir(), `watchpost-tunnel-soak-${process.pid}.mkv`);
  const url = `rtsp://127.0.0.1:${local_port}/main`;
  const input = ['-v', 'error', '-y', '-rtsp_transport', 'tcp', '-i', url, '-t', '60', '-an', '-c', 'copy', file];
  const copying = runProgram('ffmpeg', input, 150_000);
  await wait(5000);
  // Nobody is told: the link is a black hole, and is found to be one.
  uplink.mode = 'freeze';
  const frozenMs = performance.now();
  const unread = longestUnread(camera.port);
  await tunnelOnce(server, 'gate', { is: ({ status }) => status !== 'connected', withinMs: 25_000 });
  const noticedMs = performance.now() - frozenMs;
  await wait(30_000 - noticedMs);
  uplink.mode = 'pass';
  const healedMs = performance.now();
  await tunnelOnce(server, 'gate', { is: ({ status }) => status === 'connected', withinMs: 10_000 }).catch((error) => {
    throw new Error(`${error} ${agent.log} ${server.log}`);
  });
  const backMs = performance.now() - healedMs;
  assert.ok(backMs < 3000, `back after ${Math.round(backMs)} ms`);
  // Cameras drop what their socket does not take for about a second: all the time the agent must have read on.
  const unreadMs = unread.stop();
  assert.ok(unreadMs < 1000, `the camera could not get rid of its bytes for ${unreadMs} ms`);
  console.log(
    `off for 30 s: noticed after ${(noticedMs / 1000).toFixed(1)} s, back ${(backMs / 1000).toFixed(1)} s after it healed, ` +
      `the camera's bytes waited ${unreadMs} ms at most`,
  );
  const { stderr } = await copying;
  const picture = ['-fps_mode', 'passthrough', '-vf', 'scale=320:180', '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'];
  const { stdout } = await runProgram('ffmpeg', ['-v', 'error', '-i', file, ...picture], 150_000);
  rmSync(file, { force: true });
  const size = 320 * 180;
  const numbers = Array.from({ length: stdout.length / size }, (_, i) =>
    readFrameNumber(stdout.subarray(i * size, (i + 1) * size), 320, 180),
  );
  assert.ok(numbers.length > 1450, `${numbers.length} frames ${stderr} ${agent.log}`);
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => (numbers[0]! + i) % 200),
  );
});

test('checksummed traffic in dozens of connections survives minutes of chaos: not a byte wrong', async () => {
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const { port } = echo.address() as net.AddressInfo;
  await using server = await startTestServer({ more: `[tunnel]\nfirst_port = ${await freePort()}` });
  await using uplink = await ChaosProxy.open(Number(new URL(server.base).port), 5);
  // A port that is not RTSP is carried with back-pressure: its sender waits.
  const config = { tunnel: { tunnel_port: await freePort(), targets: [`127.0.0.1:${port}`] } };
  const options = { id: 'chaos', token: await enrolmentToken(server), config };
  await using agent = new TestAgentProcess(`ws://127.0.0.1:${uplink.port}/tunnel`, options).start();
  const { local_port } = await tunnelOnce(server, 'chaos', { is: (tunnel) => tunnel.local_port !== null });
  const endMs = performance.now() + chaosMs;
  const running = Array.from({ length: flows }, () => flow(local_port!, endMs));
  let breaks = 0;
  for (; performance.now() < endMs; breaks++) {
    await wait(500 + Math.random() * 4000);
    const what = Math.random();
    if (what < 0.35) uplink.cut('reset');
    else if (what < 0.7) uplink.cut('end');
    else {
      uplink.mode = what < 0.8 ? 'refuse' : what < 0.9 ? 'one-way' : 'freeze';
      if (what < 0.85) uplink.cut('reset');
      await wait(Math.random() * 5000);
      uplink.mode = 'pass';
      uplink.cut('reset');
    }
  }
  const results = await Promise.all(running);
  echo.close();
  for (const { sent, received, isRight, failure } of results) {
    assert.equal(failure, undefined, agent.log);
    assert.equal(received, sent);
    assert.ok(isRight);
  }
  const bytes = results.reduce((sum, { sent }) => sum + sent, 0);
  console.log(`${breaks} breaks, ${flows} connections, ${Math.round(bytes / 1e6)} MB each way, 0 bytes wrong`);
});

/** Looks at the sockets of a port of loopback: the longest time, in steps of 100 ms, that bytes lay unread in one of them. */
function longestUnread(port: number): { stop: () => number } {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const sinceMs = new Map<string, number>();
  let longestMs = 0;
  const timer = setInterval(() => {
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
      const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
      if (!local.endsWith(wanted) && !remote.endsWith(wanted)) continue;
      const key = `${local} ${remote}`;
      if (queues === '00000000:00000000') sinceMs.delete(key);
      else if (!sinceMs.has(key)) sinceMs.set(key, performance.now());
      else longestMs = Math.max(longestMs, Math.round(performance.now() - sinceMs.get(key)!));
    }
  }, 100);
  return {
    stop: () => {
      clearInterval(timer);
      return longestMs;
    },
  };
}

/** Sends random bytes through an echo until `endMs`, and compares what comes back. */
async function flow(port: number, endMs: number) {
  const socket = net.connect({ port, host: '127.0.0.1' });
  const [out, back] = [createHash('sha256'), createHash('sha256')];
  let sent = 0;
  let received = 0;
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('data', (bytes) => {
    received += bytes.length;
    back.update(bytes);
  });
  const closed = once(socket, 'close').catch(() => {});
  while (performance.now() < endMs && !socket.destroyed) {
    const bytes = randomBytes(1 + Math.floor(Math.random() * 30_000));
    out.update(bytes);
    sent += bytes.length;
    if (!socket.write(bytes)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
    await wait(Math.random() * 40);
  }
  socket.end();
  await closed;
  return { sent, received, isRight: out.digest().equals(back.digest()), failure };
}
