import { writeFragment } from '@watchpost/media/container/fmp4/fragment.ts';
import { writeInitSegment } from '@watchpost/media/container/fmp4/init-segment.ts';
import type { Sample, Track } from '@watchpost/media/types.ts';

const text = (...lines: string[]): Uint8Array => new TextEncoder().encode(lines.join('\r\n'));
const hex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits.replaceAll(' ', ''), 'hex'));

const SDP = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.1',
  's=Session',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'a=control:*',
  'a=range:npt=0-',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'a=fmtp:96 packetization-mode=1;profile-level-id=42c01e;sprop-parameter-sets=Z0LAHtkAoD2wEQAAAwABAAADADIPFi5I,aMuDyyA=',
  'a=control:trackID=0',
  'm=audio 0 RTP/AVP 97',
  'a=rtpmap:97 MPEG4-GENERIC/16000/1',
  'a=fmtp:97 mode=AAC-hbr;config=1408;sizelength=13;indexlength=3;indexdeltalength=3',
  'a=control:trackID=1',
  '',
];

const H264_SPS = '6742c01ed900a03db011000003000100000300320f162e48';
const H264_PPS = '68cb83cb20';

/** A whole RTP packet with its length in front, as the entry of `rtp` reads streams of packets. */
function packet(payload: string, sequence: number): Uint8Array {
  const bytes = hex(`80e0 ${sequence.toString(16).padStart(4, '0')} 00001000 12345678 ${payload}`);
  return Uint8Array.of(bytes.length, ...bytes);
}

function fmp4File(): Uint8Array {
  const track: Track = {
    id: 0,
    kind: 'video',
    codec: 'h264',
    clockRate: 90_000,
    width: 640,
    height: 480,
    parameterSets: [hex(H264_SPS), hex(H264_PPS)],
  };
  const sample = (dts: number): Sample => ({
    track,
    dts,
    pts: dts,
    key: dts === 0,
    units: [Uint8Array.of(0x65, 1, 2)],
    byteLength: 3,
    wallMs: 0,
    lost: 0,
  });
  const fragment = writeFragment(1, [{ track, samples: [sample(0), sample(3600)], nextDts: 7200 }]);
  return Uint8Array.of(...writeInitSegment([track]), ...fragment);
}

/** What a camera answers to a client of encrypted media that it takes other keys from. */
function encryptedSession(): Uint8Array {
  const key = `AQAFACbQHoABAACp8CmCAAAAAAsA7qvh6iaxs2sKEN3HddJlkoNMxEMm6DcBU+YBAAAAFQABAQEBEAIBAQMBCgcBAQgBAQoBAQAAACIAIAAetlK3j+qokHgcW4KkizbAHF1pRl8IKN101DA0OwT1AA==`;
  const sdp = SDP.join('\r\n')
    .replaceAll('RTP/AVP', 'RTP/SAVP')
    .replace('a=control:*', `a=control:*\r\na=key-mgmt:mikey ${key}`);
  return text(
    ...['RTSP/1.0 200 OK', 'CSeq: 1', '', 'RTSP/1.0 200 OK', 'CSeq: 2', `Content-Length: ${sdp.length}`, ''],
    `${sdp}RTSP/1.0 463 Key management failure`,
    ...['CSeq: 3', '', 'RTSP/1.0 200 OK', 'CSeq: 4', `KeyMgmt: prot=mikey;uri="";data="${key}"`, '', 'RTSP/1.0 200 OK'],
    ...['CSeq: 5', 'Session: 1', '', 'RTSP/1.0 200 OK', 'CSeq: 6', '', ''],
  );
}

/** Well-formed inputs for the entries that bring none of their own, by folder below `packages/`. */
export const FUZZ_SEEDS: Readonly<Record<string, () => readonly Uint8Array[]>> = {
  'media/src/codec': () => [
    hex(H264_SPS),
    hex(H264_PPS),
    hex(`00000001${H264_SPS}00000001${H264_PPS}000000016588840a`),
    hex(`0142c01effe10018${H264_SPS}010005${H264_PPS}`),
    hex('1408'),
    hex('400023203fc0'),
    hex('fffb9064'),
    hex(
      'ffd8 ffdb0043001010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010101010 ffc0001108 0010 0010 03 012200 021100 031100 ffdd0004 0005 ffda000c 03 0100 0211 0311 003f00 5555 ffd9',
    ),
    hex('fff15080043ffc21'),
    hex('81000c00 0a0a00000003b4fd936be401'),
    hex('1200 0a0a00000003b4fd936be401 320510aabbccdd'),
  ],
  'media/src/container/fmp4': () => [fmp4File()],
  'media/src/playlist': () => [
    text(
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:2',
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXTINF:2.000,',
      'segment_7.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2,',
      'segment_8.ts',
      '#EXT-X-ENDLIST',
      '',
    ),
  ],
  'media/src/rtp': () => [
    hex('80c80006 12345678 e8d51c00 00000000 00001000 00000010 00000400'),
    Uint8Array.of(
      ...packet(`18 0018 ${H264_SPS} 0005 ${H264_PPS}`, 1),
      ...packet('7c85 88840a', 2),
      ...packet('7c45 0102', 3),
    ),
    Uint8Array.of(...packet('0010 0100 2117', 4), ...packet('d5d5d5d5', 5)),
    Uint8Array.of(
      ...packet('00000000 413c 2814 0005ffff 55555555', 6),
      ...packet('00000000 0180 2814 00000001 10 5555', 7),
    ),
    Uint8Array.of(...packet(`00000000 fff314c4 ${'55'.repeat(20)}`, 8), ...packet('00000018 5555', 9)),
    Uint8Array.of(
      ...packet('90e08001 05 40 9d012a 10001000 aabb', 12),
      ...packet('8c8001 824983420000f000b0 aabb', 13),
    ),
    Uint8Array.of(...packet('680b 0800000003b4fd936be401 3010', 14), ...packet('90aabbccdd', 15)),
    Uint8Array.of(...packet('2000118fe00d aabbccddee', 10), ...packet('03 aabbcc 02 aabb', 11)),
  ],
  'media/src/rtsp': () => [
    encryptedSession(),
    text(
      'RTSP/1.0 401 Unauthorized',
      'CSeq: 1',
      'WWW-Authenticate: Digest realm="cam", nonce="abc", qop="auth", algorithm=MD5',
      '',
      '',
    ),
    text(
      'RTSP/1.0 200 OK',
      'CSeq: 1',
      'Content-Base: rtsp://192.0.2.1/stream/',
      'Content-Type: application/sdp',
      `Content-Length: ${SDP.join('\r\n').length}`,
      '',
      ...SDP,
    ),
    text(
      'SETUP rtsp://192.0.2.1/stream/trackID=0 RTSP/1.0',
      'CSeq: 3',
      'Transport: RTP/AVP/TCP;unicast;interleaved=0-1',
      '',
      '',
    ),
    text(
      'RTSP/1.0 200 OK',
      'CSeq: 4',
      'RTP-Info: url=rtsp://192.0.2.1/a;seq=1;rtptime=2',
      'Session: 12;timeout=60',
      '',
      '$\0\0\x04abcd',
    ),
  ],
  'media/src/sdp': () => [text(...SDP)],
};
