import assert from 'node:assert/strict';
import test from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { fuzz } from './fuzz.ts';
import { type MediaPlaylist, writeMediaPlaylist, writeMultivariantPlaylist } from './m3u8.ts';
import { parsePlaylist } from './parse-m3u8.ts';

const live: MediaPlaylist = {
  mediaSequence: 41,
  discontinuitySequence: 2,
  targetDurationMs: 2000,
  segments: [
    { uri: 'segment_41.m4s', durationMs: 2000, wallMs: 1_760_000_000_000, map: { uri: 'init.mp4' } },
    { uri: 'segment_42.m4s', durationMs: 1960, discontinuity: true, map: { uri: 'init_2.mp4' } },
  ],
};

const map = { uri: 'a.mp4', range: { offset: 0, length: 800 } };
const recorded: MediaPlaylist = {
  mediaSequence: 0,
  type: 'vod',
  ended: true,
  startMs: 1480,
  targetDurationMs: 4000,
  segments: [
    { uri: 'a.mp4', durationMs: 4000, range: { offset: 800, length: 70_000 }, wallMs: 1_760_000_000_000, map },
    { uri: 'a.mp4', durationMs: 3960, range: { offset: 70_800, length: 60_000 }, map },
    { uri: 'gap.mp4', durationMs: 4000, gap: true, discontinuity: true, map },
  ],
};

test('a live playlist reads as RFC 8216 has it', () => {
  assert.equal(
    writeMediaPlaylist(live),
    `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:41
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2025-10-09T08:53:20.000Z
#EXTINF:2.000,
segment_41.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="init_2.mp4"
#EXTINF:1.960,
segment_42.m4s
`,
  );
});

test('what is written is parsed to the same', () => {
  for (const playlist of [live, recorded, { ...recorded, type: 'event', ended: true } as const]) {
    assert.deepEqual(parsePlaylist(writeMediaPlaylist(playlist)), { kind: 'media', playlist });
  }
  const playlist = {
    variants: [
      { uri: 'main.m3u8', bandwidth: 4_000_000, codecs: 'avc1.640028,mp4a.40.2', width: 1920, height: 1080, fps: 25 },
      { uri: 'sub.m3u8', bandwidth: 300_000 },
    ],
  };
  assert.deepEqual(parsePlaylist(writeMultivariantPlaylist(playlist)), { kind: 'multivariant', playlist });
});

test('the target duration is at least the longest segment, and 1 s', () => {
  const of = (durationMs: number) => writeMediaPlaylist({ mediaSequence: 0, segments: [{ uri: 'a', durationMs }] });
  assert.match(of(2040), /TARGETDURATION:3\n/);
  assert.match(of(0), /TARGETDURATION:1\n/);
});

test('an address that would add a line is refused', () => {
  for (const uri of ['a\n#EXT-X-ENDLIST', 'a"b', 'a\rb']) {
    assert.throws(() => writeMediaPlaylist({ mediaSequence: 0, segments: [{ uri, durationMs: 1 }] }), {
      code: 'M3U8_TEXT',
    });
  }
});

test('foreign habits are understood', () => {
  const text =
    '\ufeff#EXTM3U\r\n#EXT-X-KEY:METHOD=NONE\r\n# note\r\n\r\n#EXTINF:2\r\n#EXT-X-BYTERANGE:10@5\r\na.ts\r\n' +
    '#EXTINF:nonsense,title\r\n#EXT-X-BYTERANGE:7\r\na.ts\r\n#EXT-X-MEDIA-SEQUENCE:-4\r\norphan.ts';
  assert.deepEqual(parsePlaylist(text), {
    kind: 'media',
    playlist: {
      mediaSequence: 0,
      segments: [
        { uri: 'a.ts', durationMs: 2000, range: { offset: 5, length: 10 } },
        { uri: 'a.ts', durationMs: 0, range: { offset: 15, length: 7 } },
      ],
    },
  });
});

test('what is no playlist is malformed', () => {
  for (const text of ['', '<html>', `#EXTM3U\n${'#EXTINF:1,\na\n'.repeat(100_001)}`]) {
    assert.throws(() => parsePlaylist(text), WatchpostError);
  }
});

test('damaged playlists are parsed or refused', () => {
  const seedText = new TextEncoder().encode(writeMediaPlaylist(recorded));
  let seed = 3;
  for (let i = 0; i < 3000; i++) {
    const bytes = seedText.slice();
    for (let k = 0; k < 4; k++) {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      bytes[seed % bytes.length] = seed >>> 24;
    }
    fuzz(bytes);
  }
});

test('keys hold for the segments after them; variants tell of sound in playlists of its own', () => {
  const list = parsePlaylist(`#EXTM3U
#EXT-X-KEY:METHOD=AES-128,URI="key?a=1,2",IV=0xABC
#EXTINF:2,
a.ts
#EXT-X-KEY:METHOD=NONE
#EXTINF:2,
b.ts
`);
  assert.ok(list.kind === 'media');
  assert.deepEqual(
    list.playlist.segments.map(({ key }) => key),
    [{ method: 'AES-128', uri: 'key?a=1,2', iv: 'abc'.padStart(32, '0') }, undefined],
  );
  const master = parsePlaylist(`#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="apart",NAME="a",URI="a.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="apart",NAME="c",DEFAULT=YES,URI="c.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="apart",NAME="d",URI="d.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="inside",NAME="b"
#EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO="apart"
1.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="inside"
2.m3u8
`);
  assert.ok(master.kind === 'multivariant');
  assert.deepEqual(
    master.playlist.variants.map(({ audioGroup }) => audioGroup),
    ['apart', undefined],
  );
  assert.deepEqual(master.playlist.renditions, [
    { group: 'apart', uri: 'a.m3u8' },
    { group: 'apart', uri: 'c.m3u8', isDefault: true },
  ]);
});
