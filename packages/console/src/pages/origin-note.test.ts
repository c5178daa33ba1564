import assert from 'node:assert/strict';
import { test } from 'node:test';
import { originNote } from './origin-note.ts';

test('a stream that goes with somebody says with whom: viewers of an address, or a publisher', () => {
  const url = 'rtsp+tunnel://gate:554/main';
  const cases = [
    ['api', url, null],
    ['file', url, 'stream.in_file'],
    ['publisher', null, 'stream.by_publisher'],
    ['publisher', url, 'stream.by_viewer'],
  ] as const;
  for (const [origin, source_url, expected] of cases) assert.equal(originNote({ origin, source_url }), expected);
});
