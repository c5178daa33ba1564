import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { toHex } from '@watchpost/base/bytes.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import { parseKeyMgmtHeader, writeKeyMgmtHeader } from '../srtp/key-management.ts';
import { createMikey, keysOfMikey } from '../srtp/mikey-keys.ts';
import { RtspClient, type RtspClientOptions } from './client.ts';
import { ClientKeys, type SrtpSupport, type TrackKeys } from './client-keys.ts';
import { headerOf, parseRtspMessage, type RtspRequest, writeRtspResponse } from './message.ts';

const url = 'rtsp://192.0.2.1/live';
const support: SrtpSupport = {
  crypto: {
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    aes: () => assert.fail(),
    hmacSha1: () => assert.fail(),
    aesGcm: () => assert.fail(),
  },
  wallMs: () => Date.UTC(2026, 0, 1),
};
/** From the description of GStreamer 1.22's RTSP server. */
const mikey =
  'AQAFACbQHoABAACp8CmCAAAAAAsA7qvh6iaxs2sKEN3HddJlkoNMxEMm6DcBU+YBAAAAFQABAQEBEAIBAQMBCgcBAQgBAQoBAQAAACIAIAAetlK3j+qokHgcW4KkizbAHF1pRl8IKN101DA0OwT1AA==';
const mikeyKey = 'b652b78feaa890781c5b82a48b36c01c';
const crypto = `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}`;

function sdpOf(lines: { session?: string; video?: string; audio?: string }): string {
  const part = (line = '') => (line === '' ? '' : `${line}\r\n`);
  return (
    `v=0\r\ns=a\r\n${part(lines.session)}m=video 0 RTP/SAVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n` +
    `${part(lines.video)}m=audio 0 RTP/SAVP 8\r\na=control:trackID=2\r\n${part(lines.audio)}`
  );
}

/** What a camera says to a SETUP, the nth. */
type SetupReply = (request: RtspRequest, n: number) => { status?: number; reason?: string; keyMgmt?: string };

function play(
  sdp: string,
  onSetup: SetupReply = () => ({}),
  options: Partial<RtspClientOptions> = { keys: new ClientKeys(support) },
) {
  const setups: RtspRequest[] = [];
  const keys: TrackKeys[] = [];
  const queue: RtspRequest[] = [];
  const outcome: { error?: WatchpostError | undefined; plays: boolean } = { plays: false };
  const client = new RtspClient(
    { url, userAgent: 'Watchpost', ...options },
    {
      send: (bytes) => {
        const parsed = parseRtspMessage(bytes, 0, bytes.length);
        if (typeof parsed === 'object' && parsed.request) queue.push(parsed.request);
      },
      onTracks: () => {},
      onKeys: (index, track) => {
        keys[index] = track;
      },
      openPorts: (_track, answer) => answer([5000, 5001]),
      onPlaying: () => {
        outcome.plays = true;
      },
      onInterleaved: () => {},
      onEnd: (error) => {
        outcome.error = error;
      },
      connect: () => {},
    },
  );
  client.start();
  for (let request = queue.shift(); request; request = queue.shift()) {
    const isSetup = request.method === 'SETUP';
    if (isSetup) setups.push(request);
    const { status = 200, reason = 'X', keyMgmt } = isSetup ? onSetup(request, setups.length) : {};
    const headers: [string, string][] = [['CSeq', headerOf(request, 'CSeq')!]];
    if (isSetup && status === 200)
      headers.push(['Transport', headerOf(request, 'Transport')!], ['Session', '42;timeout=60']);
    if (keyMgmt !== undefined) headers.push(['KeyMgmt', keyMgmt]);
    const body = request.method === 'DESCRIBE' ? { body: new TextEncoder().encode(sdp) } : {};
    const bytes = writeRtspResponse({ status, reason, headers, ...body });
    client.receive(bytes, 0, bytes.length);
  }
  return { setups, keys, outcome };
}

const sentBy = (request: RtspRequest) => parseKeyMgmtHeader(headerOf(request, 'KeyMgmt') ?? '');
const masterOf = (keys: TrackKeys['receive']) => toHex(keys.keys[0]!.masterKey);

test('keys of the description are used both ways, and told back with the SSRC of our reports (RFC 4567 §4.2)', () => {
  const { setups, keys, outcome } = play(
    sdpOf({ video: `a=key-mgmt:mikey ${mikey}`, session: `a=key-mgmt:mikey ${mikey}` }),
  );
  assert.ok(outcome.plays);
  assert.deepEqual(
    setups.map((setup) => headerOf(setup, 'Transport')),
    ['RTP/SAVP/TCP;unicast;interleaved=0-1', 'RTP/SAVP/TCP;unicast;interleaved=2-3'],
  );
  for (const [i, setup] of setups.entries()) {
    assert.match(headerOf(setup, 'KeyMgmt')!, new RegExp(`^prot=mikey;uri="${url}/trackID=${i + 1}";data="`));
    assert.equal(masterOf(keys[i]!.receive), mikeyKey);
    assert.equal(masterOf(keys[i]!.send), mikeyKey);
    assert.deepEqual([...keys[i]!.receive.rollOvers.keys()], [0xa9f02982]);
    assert.deepEqual(sentBy(setup)!.sessions, [{ policy: 0, ssrc: keys[i]!.ssrc, rollOver: 0 }]);
  }
  assert.notEqual(keys[0]!.ssrc, keys[1]!.ssrc);
});

test('keys of a=crypto (RFC 4568) are used both ways, and nothing is said about them', () => {
  const { setups, keys, outcome } = play(
    sdpOf({ session: crypto, audio: `a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA\r\n${crypto}` }),
  );
  assert.ok(outcome.plays);
  for (const [i, setup] of setups.entries()) {
    assert.equal(headerOf(setup, 'KeyMgmt'), undefined);
    assert.deepEqual([masterOf(keys[i]!.receive), masterOf(keys[i]!.send)], ['00'.repeat(16), '00'.repeat(16)]);
  }
});

test("a medium's keys go before the session's, those of an answer before both", () => {
  const answer = createMikey(support.crypto, 3, 0);
  const reply: SetupReply = (_request, n) => (n === 2 ? { keyMgmt: writeKeyMgmtHeader(answer, url) } : {});
  const { keys } = play(sdpOf({ session: crypto, video: `a=key-mgmt:mikey ${mikey}`, audio: crypto }), reply);
  assert.equal(masterOf(keys[0]!.receive), mikeyKey);
  assert.deepEqual(keys[1]!.receive, keysOfMikey(answer));
  assert.equal(masterOf(keys[1]!.send), '00'.repeat(16));
});

test('RC-08: "key management failure" (Axis) is answered with keys of our own that have an identifier of four bytes', () => {
  for (const refusal of [{ status: 463 }, { status: 400, reason: 'Key Management Failure' }]) {
    const { setups, keys, outcome } = play(sdpOf({ session: `a=key-mgmt:mikey ${mikey}` }), (_request, n) =>
      n === 1 ? refusal : {},
    );
    assert.ok(outcome.plays);
    assert.deepEqual(
      setups.map((setup) => setup.url),
      [`${url}/trackID=1`, `${url}/trackID=1`, `${url}/trackID=2`],
    );
    assert.equal(headerOf(setups[1]!, 'Transport'), headerOf(setups[0]!, 'Transport'));
    for (const [i, setup] of setups.slice(1).entries()) {
      const ours = keysOfMikey(sentBy(setup)!);
      assert.equal(ours.keys[0]!.mki.length, 4);
      assert.notEqual(masterOf(ours), mikeyKey);
      assert.deepEqual([masterOf(keys[i]!.receive), masterOf(keys[i]!.send)], [masterOf(ours), masterOf(ours)]);
      assert.deepEqual([...ours.rollOvers.keys()], [keys[i]!.ssrc]);
    }
    assert.notDeepEqual(keys[0]!.receive, keys[1]!.receive);
  }
});

test('over UDP the same ports are offered again', () => {
  const { setups, outcome } = play(
    sdpOf({ session: `a=key-mgmt:mikey ${mikey}` }),
    (_request, n) => (n === 1 ? { status: 463 } : {}),
    {
      keys: new ClientKeys(support),
      transport: 'udp',
    },
  );
  assert.ok(outcome.plays);
  assert.equal(headerOf(setups[1]!, 'Transport'), 'RTP/SAVP;unicast;client_port=5000-5001');
});

test('a camera that names no keys gets ours at once', () => {
  const { setups, keys, outcome } = play(sdpOf({ session: 'a=key-mgmt:kerberos AAAA' }));
  assert.ok(outcome.plays && setups.length === 2);
  assert.deepEqual(keys[0]!.receive, keysOfMikey(sentBy(setups[0]!)!));
});

test('keys that are refused twice, cannot be used, or are missing here, end the session with a reason', () => {
  const offered = sdpOf({ session: `a=key-mgmt:mikey ${mikey}` });
  const cases: [sdp: string, reply: SetupReply, options: Partial<RtspClientOptions> | undefined, code: string][] = [
    [offered, () => ({ status: 463 }), undefined, 'RTSP_KEY_MANAGEMENT_FAILURE'],
    [offered, () => ({ status: 404 }), undefined, 'RTSP_NOT_FOUND'],
    [offered, () => ({ keyMgmt: 'prot=mikey;uri="";data="AQ=="' }), undefined, 'MIKEY_TRUNCATED'],
    [sdpOf({ session: 'a=key-mgmt:mikey AQ==' }), () => ({}), undefined, 'MIKEY_TRUNCATED'],
    [sdpOf({ session: 'a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA' }), () => ({}), undefined, 'SRTP_KEYS_UNSUPPORTED'],
    [offered, () => ({}), {}, 'RTSP_ENCRYPTED_MEDIA'],
  ];
  for (const [sdp, reply, options, code] of cases) {
    const { outcome } = play(sdp, reply, options ?? { keys: new ClientKeys(support) });
    assert.equal(outcome.error?.code, code);
  }
  const { setups } = play(offered, () => ({ status: 463 }));
  assert.equal(setups.length, 2);
});
