import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeCandidate } from '../api/types.ts';
import { chooseCandidates, probeTarget, shownLive } from './probe-choice.ts';

const h264 = [{ kind: 'video' as const, codec: 'h264', mime_codec: 'avc1.64001f', clock_rate: 90_000 }];
const h265 = [{ kind: 'video' as const, codec: 'h265', mime_codec: 'hvc1.1.6.L120.B0', clock_rate: 90_000 }];
const failed = { kind: 'not_found', code: 'RTSP_NOT_FOUND', message: 'no' };
const candidate = (
  quality: ProbeCandidate['quality'],
  vendor: string | null,
  change: Partial<ProbeCandidate> = {},
) => ({
  url: `rtsp://c/${quality}`,
  vendor,
  quality,
  tracks: h264,
  error: null,
  ...change,
});
const noH265 = (mime: string) => !mime.includes('hvc1');

test('main and the second quality of the same vendor are chosen together', () => {
  const list = [candidate('sub', 'a'), candidate('main', 'b'), candidate('sub', 'b')];
  assert.deepEqual(chooseCandidates(list), { main: 1, sub: 2 });
});

test('failures are passed over', () => {
  assert.deepEqual(chooseCandidates([candidate('main', 'a', { error: failed }), candidate('unknown', 'a')]), {
    main: 1,
    sub: null,
  });
  assert.equal(chooseCandidates([candidate('main', 'a', { error: failed })]), null);
});

test('live shows the quality that the browser can decode', () => {
  const list = [candidate('main', 'a', { tracks: h265 }), candidate('sub', 'a')];
  assert.equal(shownLive(list, { main: 0, sub: 1 }, noH265), 1);
  assert.equal(
    shownLive(list, { main: 0, sub: 1 }, () => true),
    0,
  );
  assert.equal(shownLive(list, { main: 0, sub: null }, noH265), null);
});

test('a host and an address are told apart', () => {
  assert.deepEqual(probeTarget(' 192.0.2.7:8554/ '), { host: '192.0.2.7:8554' });
  assert.deepEqual(probeTarget('rtsp://192.0.2.7/live'), { url: 'rtsp://192.0.2.7/live' });
});
