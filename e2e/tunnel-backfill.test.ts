import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { ChaosProxy } from './chaos-proxy.ts';
import { freePort, startTestServer, wait } from './harness.ts';
import { checkRecordings } from './recorded-frames.ts';
import { enrolmentToken, TestAgentProcess, tunnelOnce } from './tunnel-harness.ts';

const outageMs = 5000;
/** Pictures of a clip of the simulator; a key picture each 25 to 50 of them. */
const loopFrames = 200;
const gopMs = 2100;

interface Gaps {
  readonly gaps: readonly { start: string; end: string | null; reason: string }[];
}

test('what an agent kept during an outage becomes recordings of the same stream', { timeout: 60_000 }, async () => {
  await using camera = await startRtspCamera({ port: 0 });
  const more = `[tunnel]\nfirst_port = ${await freePort()}\nresume_grace = 1`;
  await using server = await startTestServer({ more });
  await using uplink = await ChaosProxy.open(Number(new URL(server.base).port));
  const config = {
    cameras: [{ name: 'cam', host: '127.0.0.1', rtsp_port: camera.port, rtsp_path: '/main' }],
    buffer: { enabled: true, store: 'memory' },
  };
  const options = { id: 'edge', token: await enrolmentToken(server), config };
  await using agent = new TestAgentProcess(`ws://127.0.0.1:${uplink.port}/tunnel`, options).start();
  await server.guard(async () => {
    try {
      await tunnelOnce(server, 'edge', { is: ({ local_port }) => local_port !== null });
      const source = { tunnel: { agent_id: 'edge', port: camera.port, path: '/main' } };
      await server.api('/streams/ingest', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ protocol: 'tunnel', stream_id: 'edge', source }),
      });
      await server.waitFor('edge', 'online', 10_000);
      await wait(3500);
      uplink.mode = 'refuse';
      uplink.cut();
      await wait(outageMs);
      uplink.mode = 'pass';
      await server.waitFor('edge', 'online', 15_000);
      const isFilled = async () => {
        const events = await server.events('edge');
        return events.some(({ type }) => type === 'recording.backfilled');
      };
      for (let tries = 0; tries < 150 && !(await isFilled()); tries++) await wait(100);
      assert.ok(await isFilled(), JSON.stringify(await server.api<Gaps>('/recordings/edge')));
      const { segments, gaps, frames } = await checkRecordings(server, 'edge');
      const runs = new Set(segments.map(({ run }) => run));
      assert.ok(runs.size >= 3, 'before, during and after the outage');
      // What is left is less than a group of pictures at the beginning, and the moment of connecting again.
      for (const { startMs, endMs } of gaps)
        assert.ok(endMs - startMs < gopMs, `a gap of ${endMs - startMs} ms is left`);
      for (const numbers of frames)
        assert.deepEqual(
          numbers,
          numbers.map((_, i) => (numbers[0]! + i) % loopFrames),
          'frames follow each other',
        );
    } catch (thrown) {
      if (thrown instanceof Error) thrown.message += `\n--- agent ---\n${agent.log}`;
      throw thrown;
    }
  });
});
