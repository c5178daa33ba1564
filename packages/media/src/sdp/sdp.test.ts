import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '@watchpost/base/bytes.ts';
import { latmConfigOf } from '../rtp/depacketize/aac-latm.ts';
import type { Track } from '../types.ts';
import { parseFmtp, parseSdp } from './parse.ts';
import { attributeOf } from './sdp.ts';
import { mediaLeftOut, tracksFromSdp } from './tracks.ts';
import { describeTracks, writeSdp } from './write.ts';

// Made by x264 for pictures of 320 × 180 (the simulator's small clip).
const sps = 'Z2QADKyzAoM/PCAAAAMAIAAABkHihU0=';
const pps = 'aOlwRLIs';
const h264 = (more = '') => `m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n${more}`;
const codecsOf = (text: string) => tracksFromSdp(parseSdp(text)).map((t) => t.track.codec);

test('the example of RFC 8866 §5 is read', () => {
  const sdp = parseSdp(
    'v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\ni=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\ne=Jane Doe <jane@jdoe.example.com>\r\np=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\nm=audio 49180 RTP/AVP 0\r\nm=video 51372 RTP/AVP 99\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n',
  );
  assert.equal(sdp.name, 'Call to John Smith');
  assert.equal(sdp.address, '198.51.100.1');
  assert.deepEqual(
    sdp.media.map((m) => [m.kind, m.port, m.payloadTypes]),
    [
      ['audio', 49170, [0]],
      ['audio', 49180, [0]],
      ['video', 51372, [99]],
    ],
  );
  assert.equal(sdp.media[2]?.address, '2001:db8::2');
  assert.deepEqual(mediaLeftOut(sdp), ['video/h263-1998']);
});

test('static payload types need no rtpmap', () => {
  const table: [number, string, string, number, number | undefined][] = [
    [0, 'audio', 'pcmu', 8000, 1],
    [8, 'audio', 'pcma', 8000, 1],
    [10, 'audio', 'l16', 44100, 2],
    [11, 'audio', 'l16', 44100, 1],
    [14, 'audio', 'mp3', 90000, undefined],
    [26, 'video', 'mjpeg', 90000, undefined],
  ];
  for (const [payloadType, kind, codec, clockRate, channels] of table) {
    const [found] = tracksFromSdp(parseSdp(`m=${kind} 0 RTP/AVP ${payloadType}\r\n`));
    assert.deepEqual([found?.track.codec, found?.track.clockRate, found?.track.channels], [codec, clockRate, channels]);
  }
});

test('codecs are known by name, whatever the case', () => {
  const table: [string, string][] = [
    ['h265/90000', 'h265'],
    ['HEVC/90000', 'h265'],
    ['mpeg4-generic/16000/1', 'aac'],
    ['OPUS/48000/2', 'opus'],
    ['G726-32/8000', 'g726'],
    ['AAL2-G726-40/8000', 'g726'],
    ['MP4A-LATM/90000', 'aac'],
    ['L16/16000', 'l16'],
    ['PCM/8000', 'l16'],
    ['JPEG/90000', 'mjpeg'],
    ['PCMA/16000/2', 'pcma'],
  ];
  for (const [map, codec] of table) {
    const kind = codec.startsWith('h26') || codec === 'mjpeg' ? 'video' : 'audio';
    assert.deepEqual(codecsOf(`m=${kind} 0 RTP/AVP 97\r\na=rtpmap:97 ${map}\r\n`), [codec], map);
  }
});

test('H.264 tracks have parameter sets and size', () => {
  const [found] = tracksFromSdp(
    parseSdp(
      h264(
        `a=fmtp:96 packetization-mode=1; sprop-parameter-sets=${sps},${pps};profile-level-id=42C01E\r\na=control:trackID=1\r\n`,
      ),
    ),
  );
  assert.equal(found?.control, 'trackID=1');
  assert.equal(found?.format['packetization-mode'], '1');
  assert.deepEqual([found?.track.width, found?.track.height], [320, 180]);
  assert.deepEqual(
    found?.track.parameterSets.map((s) => s[0]! & 31),
    [7, 8],
  );
});

test('quirks', async (t) => {
  const annexB = (text: string) => btoa(`\0\0\0\x01${atob(text)}`);
  const setTypes = (text: string) => tracksFromSdp(parseSdp(text))[0]?.track.parameterSets.map((s) => s[0]! & 31);
  const vps = btoa('\x40\x01\x0c');
  const h265 = (fmtp: string) => `m=video 0 RTP/AVP 97\r\na=rtpmap:97 H265/90000\r\na=fmtp:97 ${fmtp}\r\n`;
  const cases: [string, () => unknown, unknown][] = [
    ['several s= lines: the first counts (TP-Link)', () => parseSdp(`v=0\ns=a\ns=b\n${h264()}`).name, 'a'],
    ['no origin, no timing, no version', () => codecsOf(h264()), ['h264']],
    ['c=IN without address type', () => parseSdp(`v=0\r\nc=IN 192.0.2.4\r\n${h264()}`).address, '192.0.2.4'],
    ['c= with a TTL', () => parseSdp(`v=0\r\nc=IN IP4 233.252.0.1/127\r\n`).address, '233.252.0.1'],
    [
      'hexadecimal and decimals in the origin',
      () => codecsOf(`v=0\r\no=- 0x1F 1.5 IN IP4 192.0.2.1\r\n${h264()}`),
      ['h264'],
    ],
    [
      'garbage in m= (TP-Link): the other media stay',
      () => codecsOf(`m=application/TP-LINK 0 RTP/AVP smart/1/90000\r\na=rtpmap:95 TP-LINK/90000\r\n${h264()}`),
      ['h264'],
    ],
    [
      'everything sendonly: no back channel',
      () => tracksFromSdp(parseSdp('m=audio 0 RTP/AVP 0\r\na=sendonly\r\n')).map((x) => x.backChannel),
      [false],
    ],
    [
      'everything sendonly, pictures, too (mtx#5074): the sound is no back channel',
      () =>
        tracksFromSdp(parseSdp(`${h264('a=sendonly\r\n')}m=audio 0 RTP/AVP 0\r\na=sendonly\r\n`)).map(
          (x) => x.backChannel,
        ),
      [false, false],
    ],
    [
      'sendonly beside pictures that are not: a back channel (ONVIF)',
      () =>
        tracksFromSdp(parseSdp(`${h264('a=recvonly\r\n')}m=audio 0 RTP/AVP 0\r\na=sendonly\r\n`)).map(
          (x) => x.backChannel,
        ),
      [false, true],
    ],
    [
      'fmtp of H.264 under another payload type',
      () => setTypes(h264(`a=fmtp:97 sprop-parameter-sets=${sps},${pps}\r\n`)),
      [7, 8],
    ],
    [
      'fmtp of H.264 on another track (go2rtc WebRTC#419)',
      () => setTypes(`${h264()}m=audio 0 RTP/AVP 8\r\na=fmtp:96 sprop-parameter-sets=${sps},${pps}\r\n`),
      [7, 8],
    ],
    ['H.265 with only some of the sets (go2rtc#1588)', () => setTypes(h265(`sprop-vps=${vps}`)), []],
    [
      'sprop with Annex B start codes (CP3PRO, moonfire-nvr#331)',
      () => setTypes(h264(`a=fmtp:96 sprop-parameter-sets=${annexB(sps)},${annexB(pps)}\r\n`)),
      [7, 8],
    ],
    ['SPS without PPS is no set', () => setTypes(h264(`a=fmtp:96 sprop-parameter-sets=${sps}\r\n`)), []],
    ['sprop that is no base64', () => setTypes(h264('a=fmtp:96 sprop-parameter-sets=%%%\r\n')), []],
    ['a size that cannot be read', () => codecsOf(h264('a=fmtp:96 sprop-parameter-sets=Zw==,aA==\r\n')), ['h264']],
    [
      'wrong profile-level-id (Eufy): the SPS counts',
      () =>
        tracksFromSdp(parseSdp(h264(`a=fmtp:96 profile-level-id=FFFFFF;sprop-parameter-sets=${sps},${pps}\r\n`)))[0]
          ?.track.width,
      320,
    ],
    [
      'Hikvision PCM has its low byte first (go2rtc)',
      () => tracksFromSdp(parseSdp('m=audio 0 RTP/AVP 97\r\na=rtpmap:97 PCM/8000\r\n'))[0]?.format,
      { 'low-byte-first': '' },
    ],
    [
      'LATM without cpresent has its configuration in band, and none is made up',
      () => {
        const [found] = tracksFromSdp(parseSdp('m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/16000/1\r\n'));
        return [found?.format, found?.track.parameterSets];
      },
      [{ cpresent: '1' }, []],
    ],
    ['bare CR and NUL', () => codecsOf(`v=0\r${h264().replaceAll('\r\n', '\r')}\0`), ['h264']],
    ['white space around names', () => codecsOf('m=video 0 RTP/AVP 96 \r\na=rtpmap:96  H264/90000 \r\n'), ['h264']],
    [
      'rtpmap for a payload type that m= does not list',
      () => codecsOf('m=video 0 RTP/AVP 35\r\na=rtpmap:96 H264/90000\r\n'),
      ['h264'],
    ],
    [
      'Opus runs at 48000 and two channels',
      () => tracksFromSdp(parseSdp('m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/8000\r\n'))[0]?.track.clockRate,
      48000,
    ],
  ];
  for (const [name, actual, expected] of cases) await t.test(name, () => assert.deepEqual(actual(), expected));
});

test('AAC takes its config, or one made of clock and channels', () => {
  const track = (fmtp: string) =>
    tracksFromSdp(parseSdp(`m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\n${fmtp}`))[0]!.track;
  assert.deepEqual(toHex(track('a=fmtp:97 mode=AAC-hbr;config=1408;sizelength=13\r\n').parameterSets[0]!), '1408');
  for (const fmtp of ['', 'a=fmtp:97 config=\r\n', 'a=fmtp:97 config=zz\r\n']) {
    const { parameterSets, sampleRate, channels } = track(fmtp);
    assert.deepEqual([toHex(parameterSets[0]!), sampleRate, channels], ['1408', 16000, 1], fmtp);
  }
});

test('a description of tracks reads back as the same tracks', () => {
  const [video] = tracksFromSdp(parseSdp(h264(`a=fmtp:96 sprop-parameter-sets=${sps},${pps}\r\n`)));
  const audio: Track = {
    id: 1,
    kind: 'audio',
    codec: 'aac',
    clockRate: 48000,
    sampleRate: 48000,
    channels: 2,
    parameterSets: [Uint8Array.of(0x11, 0x90)],
  };
  const alaw: Track = {
    id: 2,
    kind: 'audio',
    codec: 'pcma',
    clockRate: 8000,
    sampleRate: 8000,
    channels: 1,
    parameterSets: [],
  };
  const sdp = describeTracks([
    { track: video!.track, payloadType: 96, control: 'trackID=0' },
    { track: audio, payloadType: 97, control: 'trackID=1' },
    { track: alaw, payloadType: 8, control: 'trackID=2' },
  ]);
  const text = writeSdp(sdp);
  const tracks = tracksFromSdp(parseSdp(text));
  assert.deepEqual(
    tracks.map((t) => t.track),
    [video!.track, audio, alaw],
  );
  assert.deepEqual(
    tracks.map((t) => t.control),
    ['trackID=0', 'trackID=1', 'trackID=2'],
  );
  assert.match(text, /c=IN IP4 0\.0\.0\.0\r\n/, 'Darwin demands it');
  assert.match(text, /s= \r\n/);
});

test('parseSdp(writeSdp(x)) equals x', () => {
  const text = `v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=x\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=control:*\r\na=range:npt=now-\r\na=tool\r\n${h264('c=IN IP6 2001:db8::1\r\na=fmtp:96 a=b; c\r\na=control:t\r\na=recvonly\r\n')}`;
  const sdp = parseSdp(text);
  assert.deepEqual(parseSdp(writeSdp(sdp)), sdp);
  assert.equal(attributeOf(sdp, 'tool'), '');
  assert.equal(sdp.range, 'npt=now-');
});

test('fmtp names have no case, values may hold an equals sign', () => {
  assert.deepEqual(parseFmtp('Sprop=aQ==; FLAG ;; x = 1'), { sprop: 'aQ==', flag: '', x: '1' });
});

test('what is no description, or too large, is malformed', () => {
  for (const text of ['', '<html></html>', 'hello\r\nworld'])
    assert.throws(() => parseSdp(text), { code: 'SDP_MALFORMED' });
  for (const text of [
    'm=video 0 RTP/AVP 96\r\n'.repeat(65),
    'a=b\n'.repeat(3000),
    `a=${'x'.repeat(9000)}`,
    'x'.repeat(200_000),
  ])
    assert.throws(() => parseSdp(text), { kind: 'malformed', code: 'SDP_TOO_LARGE' });
});

test('the size of JPEG is read, whoever wrote it', () => {
  for (const [line, expected] of [
    ['x-dimensions:2592,1944', [2592, 1944]],
    ['x-dimensions: 322 , 182', [322, 182]],
    ['framesize:26 640-480', [640, 480]],
    ['x-dimensions:0,480', [undefined, undefined]],
    ['x-dimensions:wide', [undefined, undefined]],
  ] as const) {
    const [found] = tracksFromSdp(parseSdp(`m=video 0 RTP/AVP 26\r\na=${line}\r\n`));
    assert.deepEqual([found?.track.width, found?.track.height], expected, line);
  }
});

test('LATM with its configuration in the description is AAC with sets, and is described as MPEG4-GENERIC', () => {
  const text = 'm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MP4A-LATM/90000\r\na=fmtp:97 cpresent=0;config=400023203fc0\r\n';
  const [found] = tracksFromSdp(parseSdp(text), latmConfigOf);
  const { track } = found!;
  assert.deepEqual(
    [toHex(track.parameterSets[0]!), track.sampleRate, track.channels, track.clockRate],
    ['1190', 48_000, 2, 90_000],
  );
  const written = writeSdp(describeTracks([{ track, payloadType: 97, control: 'x' }]));
  assert.match(written, /MPEG4-GENERIC\/90000\/2\r\n.*config=1190/s);
  assert.deepEqual(tracksFromSdp(parseSdp(text))[0]!.track.parameterSets, [], 'nobody reads it');
});

test('JPEG, G.726 of any rate, L16 and MP3 are described as they came', () => {
  for (const [payloadType, kind, lines] of [
    [26, 'video', ['rtpmap:26 JPEG/90000', 'x-dimensions:2592,1944']],
    [97, 'audio', ['rtpmap:97 AAL2-G726-24/8000']],
    [97, 'audio', ['rtpmap:97 G726-40/8000']],
    [10, 'audio', ['rtpmap:10 L16/44100/2']],
    [14, 'audio', ['rtpmap:14 MPA/90000']],
  ] as const) {
    const head = `m=${kind} 0 RTP/AVP ${payloadType}`;
    const [found] = tracksFromSdp(parseSdp([head, ...lines.map((line) => `a=${line}`)].join('\r\n')));
    const text = writeSdp(describeTracks([{ track: found!.track, payloadType, control: 'x' }]));
    for (const line of [head, ...lines]) assert.ok(text.includes(`${line}\r\n`), text);
    assert.deepEqual(tracksFromSdp(parseSdp(text))[0]!.track, found!.track);
  }
});

test('whatever clock a track has, it is described with the one that its RTP format prescribes', () => {
  const base = { id: 0, parameterSets: [] };
  for (const [track, line] of [
    [{ ...base, kind: 'video', codec: 'h265', clockRate: 12_800 }, 'rtpmap:97 H265/90000'],
    [{ ...base, kind: 'audio', codec: 'mp3', clockRate: 44_100, channels: 2 }, 'rtpmap:97 MPA/90000'],
    [{ ...base, kind: 'audio', codec: 'opus', clockRate: 48_000, channels: 1 }, 'rtpmap:97 opus/48000/2'],
    [{ ...base, kind: 'audio', codec: 'opus', clockRate: 1000, channels: 2 }, 'fmtp:97 sprop-stereo=1'],
  ] as const) {
    const text = writeSdp(describeTracks([{ track, payloadType: 97, control: 'x' }]));
    assert.ok(text.includes(`a=${line}\r\n`), text);
  }
});
