import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adoptedAs } from './adopted-as.ts';

const stream = (source_url: string | null, main_stream_id: string | null = null) => ({ source_url, main_stream_id });
const camera = {
  id: 'dock',
  streams: [
    { port: 554, path: '/main', codecs: [] },
    { port: 554, path: '/sub', codecs: [] },
  ],
};

const cases: readonly [string, string | null, boolean][] = [
  ['of its agent', 'rtsp+tunnel://shop:554/main', true],
  ['of the camera by name', 'rtsp+tunnel://dock.shop:554/main', true],
  ['of its other stream', 'rtsp+tunnel://shop:554/sub', true],
  ['of another camera there', 'rtsp+tunnel://gate.shop:554/main', false],
  ['of another port', 'rtsp+tunnel://shop:8554/main', false],
  ['of another agent', 'rtsp+tunnel://shop-2:554/main', false],
  ['of nobody', null, false],
];
for (const [what, url, isIt] of cases)
  test(`a stream with the address ${what} ${isIt ? 'is' : 'is not'} that of the camera`, () =>
    assert.equal(adoptedAs('shop', camera, [stream(url)]) !== undefined, isIt));

test('a second quality is not the stream of a camera', () =>
  assert.equal(adoptedAs('shop', camera, [stream('rtsp+tunnel://shop:554/sub', 'shop-dock')]), undefined));
