import assert from 'node:assert/strict';
import test from 'node:test';
import { hlsSection, hlsSettings } from './section.ts';

test('an empty section has the documented defaults', () => {
  const section = hlsSection.schema.parse({});
  assert.deepEqual(hlsSettings(section), {
    segmentDurationMs: 2000,
    playlistLength: 5,
    lowLatency: false,
    adaptive: false,
  });
  assert.deepEqual(hlsSettings({}), { segmentDurationMs: 2000, playlistLength: 5, lowLatency: false, adaptive: false });
});

test('durations are read as everywhere, and what cannot be is refused', () => {
  const section = hlsSection.schema.parse({
    segment_duration: '4s',
    playlist_length: 3,
    low_latency: true,
    enable_adaptive: true,
  });
  assert.deepEqual(hlsSettings(section), {
    segmentDurationMs: 4000,
    playlistLength: 3,
    lowLatency: true,
    adaptive: true,
  });
  assert.equal(hlsSection.schema.safeParse({ segment_duration: 0 }).success, false);
  assert.equal(hlsSection.schema.safeParse({ playlist_length: 2 }).success, false);
  assert.equal(hlsSection.schema.safeParse({ segment_lenght: 2 }).success, false);
});
