import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stream, Track } from '../api/types.ts';
import { chooseQuality, goesThroughVideo, liveMime, playability } from './codec-support.ts';

const h264: Track = { kind: 'video', codec: 'h264', mime_codec: 'avc1.64001f', clock_rate: 90_000 };
const h265: Track = { kind: 'video', codec: 'h265', mime_codec: 'hvc1.1.6.L120.B0', clock_rate: 90_000 };
const mjpeg: Track = { kind: 'video', codec: 'mjpeg', mime_codec: null, clock_rate: 90_000 };
const aac: Track = { kind: 'audio', codec: 'aac', mime_codec: 'mp4a.40.2', clock_rate: 48_000 };
const noH265 = (mime: string) => !mime.includes('hvc1');

function stream(id: string, tracks: Track[], state: Stream['state'] = 'online'): Stream {
  return {
    stream_id: id,
    title: id,
    protocol: 'rtsp',
    source_url: null,
    state,
    reason: null,
    retry_at: null,
    since: '',
    awaits_publisher: false,
    origin: 'api',
    on_demand: false,
    sub_stream_id: null,
    main_stream_id: null,
    tracks,
    left_out: [],
    outputs: ['fmp4', 'mjpeg'],
    push: [],
    readers: 0,
    publish_path: null,
    fallback_urls: [],
    source: null,
    recording: {} as Stream['recording'],
  };
}

test('the MIME type names every track that is carried', () => {
  assert.equal(liveMime([h264, aac]), 'video/mp4; codecs="avc1.64001f,mp4a.40.2"');
  assert.equal(liveMime([mjpeg, aac]), null);
});

test('playability follows the video track', () => {
  assert.equal(playability([], noH265), 'unknown');
  assert.equal(playability([h264, aac], noH265), 'yes');
  assert.equal(playability([h265], noH265), 'no');
  assert.equal(playability([mjpeg], noH265), 'no');
});

const main265 = stream('gate', [h265]);
const main264 = stream('gate', [h264]);
const sub264 = stream('gate.sub', [h264]);
const choices: readonly [string, Stream, Stream | undefined, 'main' | 'sub', object][] = [
  [
    'small tiles show the second quality',
    main264,
    sub264,
    'sub',
    { streamId: 'gate.sub', quality: 'sub', undecodable: null, pictures: null },
  ],
  [
    'large views show the first',
    main264,
    sub264,
    'main',
    { streamId: 'gate', quality: 'main', undecodable: null, pictures: null },
  ],
  [
    'H.265 that cannot be decoded gives way',
    main265,
    sub264,
    'main',
    { streamId: 'gate.sub', quality: 'sub', undecodable: 'h265', pictures: null },
  ],
  [
    'H.265 without an alternative is named, and its key pictures are shown',
    main265,
    undefined,
    'main',
    { streamId: 'gate', quality: 'main', undecodable: 'h265', pictures: 'key' },
  ],
  [
    'small tiles of H.265 cost no decoder',
    main265,
    undefined,
    'sub',
    { streamId: 'gate', quality: 'main', undecodable: 'h265', pictures: null },
  ],
  [
    'H.265 is only named where nothing serves pictures',
    { ...main265, outputs: ['fmp4'] },
    undefined,
    'main',
    { streamId: 'gate', quality: 'main', undecodable: 'h265', pictures: null },
  ],
  [
    'a large view of MJPEG shows all of its pictures',
    stream('gate', [mjpeg, aac]),
    undefined,
    'main',
    { streamId: 'gate', quality: 'main', undecodable: 'mjpeg', pictures: 'all' },
  ],
  [
    'a small tile of MJPEG shows one now and then',
    stream('gate', [mjpeg]),
    undefined,
    'sub',
    { streamId: 'gate', quality: 'main', undecodable: 'mjpeg', pictures: 'stills' },
  ],
  [
    'a second quality that is offline is passed over',
    main264,
    stream('gate.sub', [h264], 'offline'),
    'sub',
    { streamId: 'gate', quality: 'main', undecodable: null, pictures: null },
  ],
];

for (const [name, main, sub, wanted, expected] of choices) {
  test(name, () => assert.deepEqual(chooseQuality(main, sub, { wanted, supports: noH265 }), expected));
}

test('the sound behind pictures goes through the video element, where it comes alone', () => {
  assert.equal(goesThroughVideo(stream('gate', [mjpeg, aac]), 'all', noH265), true);
  assert.equal(goesThroughVideo(stream('gate', [mjpeg]), 'all', noH265), false);
  assert.equal(goesThroughVideo(stream('gate', [mjpeg, aac]), null, noH265), false);
  assert.equal(goesThroughVideo(stream('gate', [h265, aac]), 'key', noH265), false);
  assert.equal(goesThroughVideo(stream('gate', [h264, aac]), null, noH265), true);
});
