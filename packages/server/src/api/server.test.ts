import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiFixture, withoutLogins } from './api-fixture.ts';

test('an output whose port could not be had is told as such', async () => {
  const leftOut = () => undefined;
  const path = (id: string) => `/${id}`;
  await using fixture = await openApiFixture({
    overrides: {
      ...withoutLogins,
      outputs: () => [
        { protocol: 'hls', path, leftOut },
        { protocol: 'rtsp', path, leftOut, origin: () => undefined },
        { protocol: 'rtmp', path, leftOut, origin: (host) => `rtmp://${host}:1935` },
      ],
    },
  });
  const answer = await fixture.app.inject({ url: '/api/v1/server' });
  assert.equal(answer.statusCode, 200);
  const { outputs, cpu_seconds, resident_bytes, memory_bytes } = answer.json();
  assert.deepEqual(outputs, [
    { name: 'hls', listening: true },
    { name: 'rtsp', listening: false },
    { name: 'rtmp', listening: true },
  ]);
  assert.ok(cpu_seconds > 0 && resident_bytes > 1e6 && resident_bytes < memory_bytes);
});
