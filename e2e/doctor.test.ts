// What the doctor says of a camera that is well and of one that loses packets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import { startTestServer, wait } from './harness.ts';

interface Diagnosis {
  readonly watched_seconds: number;
  readonly measured: {
    readonly fps: number;
    readonly nominal_fps: number | null;
    readonly gop_seconds: { readonly median: number } | null;
    readonly lost_percent: number;
    readonly longest_gap_seconds: number;
  };
  readonly findings: readonly { readonly id: string; readonly level: string; readonly cure: string | null }[];
}

test('a camera that is well has no warning; one that loses packets has the cure', { timeout: 50_000 }, async () => {
  await using well = await startRtspCamera({ host: '127.0.0.1', port: 0 });
  await using ill = await startRtspCamera({ host: '127.0.0.1', port: 0, faults: { dropTailEvery: 10 } });
  await using server = await startTestServer({
    cameras: [
      { id: 'well', url: well.urls['main']!, more: 'record = false' },
      { id: 'ill', url: ill.urls['main']!, more: 'record = false' },
      { id: 'gone', url: 'rtsp://127.0.0.1:9/x', more: 'record = false' },
    ],
  });
  await server.guard(async () => {
    await server.waitFor('well', 'online', 15_000);
    await server.waitFor('ill', 'online', 15_000);
    await wait(24_000);
    const [good, bad, none] = await Promise.all(
      ['well', 'ill', 'gone'].map((id) => server.api<Diagnosis>(`/streams/${id}/doctor`)),
    );
    const { fps, nominal_fps, gop_seconds, longest_gap_seconds } = good!.measured;
    assert(Math.abs(fps - nominal_fps!) < 2, `${fps} of ${nominal_fps} pictures a second`);
    assert(gop_seconds!.median > 0.2 && gop_seconds!.median < 4, JSON.stringify(gop_seconds));
    // The camera lives in this process: a busy machine holds it up for a second now and then.
    assert(longest_gap_seconds > 0 && longest_gap_seconds < 5, `${longest_gap_seconds} s without anything`);
    assert.deepEqual(
      good!.findings.filter(({ id, level }) => level !== 'info' && id !== 'bursts'),
      [],
    );
    const loss = bad!.findings.find(({ id }) => id === 'loss');
    assert(loss?.cure, JSON.stringify(bad));
    assert.deepEqual([none!.findings[0]?.id, none!.findings[0]?.level], ['offline', 'error']);
  });
});
