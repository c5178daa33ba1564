import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { fuzz as fuzzSdp } from '../sdp/fuzz.ts';
import { fuzz as fuzzRtsp } from './fuzz.ts';

const seeds = [
  'RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: OPTIONS, DESCRIBE\r\n\r\n$\0\0\x0c\x80\x60\0\x01\0\0\0\x01\0\0\0\x01RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 22\r\n\r\nm=video 0 RTP/AVP 26\r\n',
  'SETUP rtsp://192.0.2.1/a/trackID=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\nPLAY rtsp://192.0.2.1/a RTSP/1.0\r\nCSeq: 4\r\n\r\n',
  'Digest realm="a", nonce="b", qop="auth,auth-int", algorithm=SHA-256, stale=true, Basic realm="c"',
  'v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=x\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\na=fmtp:97 config=1408\r\n',
  'v=0\r\nm=video 0 RTP/AVP 98\r\na=rtpmap:98 H265/90000\r\na=fmtp:98 sprop-vps=QAEMAf//AWAAAAMAAAMAAAMAAAMAlqwJ;sprop-sps=QgEBAWAAAAMAAAMAAAMAAAMAlqABQCAF;sprop-pps=RAHA8YASQA==\r\n',
].map((text) => Uint8Array.from(text, (c) => c.charCodeAt(0)));

/** xorshift32: the same damage in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

for (const [name, fuzz] of [
  ['rtsp', fuzzRtsp],
  ['sdp', fuzzSdp],
] as const) {
  test(`${name}: damaged input throws nothing but malformed`, { timeout: 20_000 }, () => {
    const next = random(0x5eed);
    let malformed = 0;
    for (let round = 0; round < 3000; round++) {
      const seed = seeds[next() % seeds.length]!;
      const other = seeds[next() % seeds.length]!;
      let bytes = seed.slice();
      if (next() % 4 === 0)
        bytes = Uint8Array.from([...seed.subarray(0, next() % seed.length), ...other.subarray(next() % other.length)]);
      for (let i = next() % 8; i > 0 && bytes.length > 0; i--) bytes[next() % bytes.length] = next();
      try {
        fuzz(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof WatchpostError && thrown.kind === 'malformed', `round ${round}: ${thrown}`);
        malformed += 1;
      }
    }
    assert.ok(malformed < 3000);
  });
}
