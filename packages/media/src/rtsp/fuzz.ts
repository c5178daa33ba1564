import { RtspAnnouncer } from './announcer.ts';
import { RtspClient } from './client.ts';
import { ClientKeys, type SrtpSupport } from './client-keys.ts';
import { parseTunnelAnswer } from './client-tunnel.ts';
import { parseAuthorization, parseChallenges } from './digest.ts';
import { RtspFramer } from './framing.ts';
import { Base64Stream, parseTunnelHead, sniffTunnel } from './http-tunnel.ts';
import { parseRange } from './range.ts';
import { parseRtpInfo } from './rtp-info.ts';
import { RtspServer } from './server.ts';
import { parsePlay } from './server-play.ts';
import { parseServerTarget } from './server-target.ts';
import { parseTransport } from './transport.ts';

const nothing = () => {};
/** Keys are agreed on, but nothing is opened here. */
const srtp: SrtpSupport = {
  crypto: {
    random: (bytes) => new Uint8Array(bytes),
    aes: () => ({ encrypt: (blocks) => blocks }),
    aesGcm: () => ({ seal: (_nonce, _head, plain) => plain, open: () => undefined }),
    hmacSha1: () => ({ sign: (message) => message }),
  },
  wallMs: () => 0,
};

/** Feeds bytes to the framer in pieces, to the client, the server and the header parsers. Throws only `malformed`. */
export function fuzz(bytes: Uint8Array): void {
  const framer = new RtspFramer({
    onInterleaved: nothing,
    onRequest: nothing,
    onResponse: nothing,
    onGarbage: nothing,
  });
  for (let channel = 0; channel < 4; channel++) framer.setChannel(channel, channel % 2 === 0 ? 'rtp' : 'rtcp');
  // Pieces whose size hangs on the bytes, so that every cut comes up.
  for (let at = 0, size = 1 + (bytes[0] ?? 0); at < bytes.length; at += size) {
    framer.receive(bytes, at, Math.min(at + size, bytes.length));
  }
  const client = new RtspClient(
    {
      url: 'rtsp://192.0.2.1/stream',
      userAgent: 'fuzz',
      credentials: { username: 'a', password: 'b' },
      keys: new ClientKeys(srtp),
    },
    { send: nothing, onTracks: nothing, onPlaying: nothing, onInterleaved: nothing, onEnd: nothing, connect: nothing },
  );
  client.start();
  client.receive(bytes, 0, bytes.length);
  const server = new RtspServer(
    { serverName: 'fuzz' },
    {
      send: nothing,
      onDescribe: (_target, answer) => answer({ sdp: { attributes: [], media: [] }, trackCount: 2 }),
      positions: () => [],
      onPlay: nothing,
      onPause: nothing,
      onInterleaved: nothing,
      onEnd: nothing,
    },
  );
  server.receive(bytes, 0, bytes.length);
  const sdp = { attributes: [], media: [] };
  const announcer = new RtspAnnouncer(
    { url: 'rtsp://192.0.2.1/stream', userAgent: 'fuzz', sdp },
    { send: nothing, onRecording: nothing, onEnd: nothing },
  );
  announcer.start();
  announcer.receive(bytes, 0, bytes.length);
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  parseChallenges([text]);
  parseAuthorization(text);
  parseTransport(text);
  parseRtpInfo([text]);
  parseServerTarget(text);
  tolerate(() => parseTunnelAnswer(bytes));
  tolerate(() => parseRange(text));
  for (const name of ['Range', 'Scale', 'Require'])
    tolerate(() => parsePlay({ method: 'PLAY', url: '*', headers: [[name, text]], body: bytes }));
  sniffTunnel(bytes);
  tolerate(() => parseTunnelHead(bytes));
  tolerate(() => new Base64Stream().decode(bytes));
}

/** So that what comes after is tried as well. */
function tolerate(parse: () => unknown): void {
  try {
    parse();
  } catch (thrown) {
    if ((thrown as { kind?: string }).kind !== 'malformed') throw thrown;
  }
}
