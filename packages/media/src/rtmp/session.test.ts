import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromHex, toHex } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { type AmfValue, readAmf0 } from '../container/flv/amf0.ts';
import { ChunkReader } from './chunk-reader.ts';
import { chunkMessage } from './chunk-writer.ts';
import { RtmpClient } from './client.ts';
import { messageType } from './codes.ts';
import { writeCommand } from './command.ts';
import { Handshake } from './handshake.ts';
import { RtmpServer } from './server.ts';
import { serverRule } from './server-states.ts';
import type { RtmpAnswer } from './server-types.ts';
import type { RtmpTarget } from './target.ts';

const handshakeBytes = 1 + 1536 + 1536;

/** A server of ours, spoken to by hand. */
class Peer {
  readonly server: RtmpServer;
  readonly told: string[] = [];
  readonly targets: RtmpTarget[] = [];
  readonly media: { type: number; timestampMs: number; body: string }[] = [];
  answer: RtmpAnswer | undefined;
  /** What `onPublish` and `onPlay` answer at once; `later` waits. */
  refusal: WatchpostError | undefined | 'later';
  readonly #bytes: Uint8Array[] = [];
  #chunkSize = 128;

  constructor() {
    const ask = (what: string) => (target: RtmpTarget, answer: RtmpAnswer) => {
      this.told.push(what);
      this.targets.push(target);
      this.answer = answer;
      if (this.refusal !== 'later') answer(this.refusal);
    };
    this.server = new RtmpServer(
      { chunkSize: 4096 },
      {
        send: (bytes) => this.#bytes.push(bytes),
        onPublish: ask('publish'),
        onPlay: ask('play'),
        onPlaying: () => this.told.push('playing'),
        onPause: (paused) => this.told.push(paused ? 'pause' : 'goes on'),
        onMedia: (type, timestampMs, body) => this.media.push({ type, timestampMs, body: toHex(body) }),
        onStop: () => this.told.push('stop'),
        onRefused: () => this.told.push('refused'),
      },
    );
  }

  feed(bytes: Uint8Array): void {
    this.server.receive(bytes, 0, bytes.length);
  }

  shake(): this {
    const first = new Uint8Array(handshakeBytes);
    first[0] = 3;
    this.feed(first);
    this.#bytes.length = 0;
    return this;
  }

  /** Sends a command; what came back, as [type, values]. */
  command(name: string, transaction: number, ...values: readonly AmfValue[]): readonly AmfValue[][] {
    this.send(messageType.command, writeCommand(name, transaction, values));
    return this.replies();
  }

  send(type: number, body: Uint8Array, timestampMs = 0): void {
    this.feed(chunkMessage({ chunkStreamId: 3, type, timestampMs, streamId: 1, chunkSize: 128 }, body));
  }

  /** Commands that were sent since the last call; numbers stand for control messages. */
  replies(): AmfValue[][] {
    const found: AmfValue[][] = [];
    const reader: ChunkReader = new ChunkReader({
      maxMessageBytes: 100_000,
      onMessage: ({ type, body }) => {
        if (type === messageType.setChunkSize) {
          this.#chunkSize = 4096;
          reader.setChunkSize(4096);
        }
        found.push(type === messageType.command ? readAmf0(body) : [type, toHex(body)]);
      },
    });
    reader.setChunkSize(this.#chunkSize);
    for (const bytes of this.#bytes.splice(0)) reader.receive(bytes, 0, bytes.length);
    return found;
  }

  connect(app = 'live'): this {
    this.shake().command('connect', 1, { app, tcUrl: `rtmp://192.0.2.1/${app}`, fourCcList: ['hvc1'] });
    return this;
  }

  ready(): this {
    this.connect().command('createStream', 2, null);
    return this;
  }
}

const codesOf = (replies: readonly AmfValue[][]) =>
  replies.map(([name, , , info]) => (name === 'onStatus' ? (info as { code: string }).code : name));

describe('the server', () => {
  test('answers the handshake with an echo, and refuses what is not RTMP', () => {
    const sent: Uint8Array[] = [];
    const handshake = new Handshake(true, (bytes) => sent.push(bytes));
    const theirs = Uint8Array.from({ length: handshakeBytes + 5 }, (_, i) => (i === 0 ? 3 : i));
    assert.equal(handshake.receive(theirs, 0, 100), 100);
    assert.equal(handshake.receive(theirs, 100, theirs.length), handshakeBytes);
    assert.equal(handshake.isDone, true);
    assert.equal(sent.length, 1);
    assert.equal(toHex(sent[0]!.subarray(1537)), toHex(theirs.subarray(1, 1537)));
    assert.deepEqual(sent[0]!.subarray(0, 9), Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0));
    for (const first of [0x47, 6])
      assert.throws(() => new Handshake(true, () => {}).receive(Uint8Array.of(first), 0, 1), { code: 'RTMP_VERSION' });
  });

  test('MS-01: connect is answered with limits, and with FourCCs to those that know them', () => {
    const peer = new Peer().shake();
    const replies = peer.command('connect', 1, { app: 'live', fourCcList: ['hvc1', 'av01'], flashVer: 'x' });
    assert.deepEqual(replies.slice(0, 3), [
      [5, '002625a0'],
      [6, '002625a002'],
      [1, '00001000'],
    ]);
    const info = replies[3]![3] as { code: string; fourCcList: string[] };
    assert.equal(info.code, 'NetConnection.Connect.Success');
    assert.ok(info.fourCcList.includes('hvc1'));
    assert.deepEqual(peer.server.client, { version: 'x', fourCcs: ['hvc1', 'av01'] });
    const old = new Peer().shake().command('connect', 1, { app: 'live' });
    assert.equal((old[3]![3] as { fourCcList?: unknown }).fourCcList, undefined);
  });

  test('MS-20: who does not begin with connect is refused', () => {
    assert.throws(() => new Peer().shake().command('createStream', 1, null), { code: 'RTMP_NO_CONNECT' });
  });

  test('MS-23: who asks without a pause is refused, be it by commands or pings', () => {
    const ping = (peer: Peer) => peer.send(messageType.userControl, fromHex('000600000001'));
    const ask = (peer: Peer) => peer.command('createStream', 0, null);
    for (const flood of [ping, ask]) {
      const peer = new Peer().connect();
      for (let second = 0; second < 4; second++) {
        for (let i = 0; i < 200; i++) flood(peer);
        peer.server.tick();
      }
      for (let i = 0; i < 256; i++) flood(peer);
      assert.throws(() => flood(peer), { kind: 'resource_exhausted', code: 'RTMP_TOO_MANY_MESSAGES' });
    }
  });

  test('MS-24: who sends messages without an end is refused, until it may publish', () => {
    const window = (peer: Peer) => peer.send(messageType.windowSize, fromHex('00010000'));
    const peer = new Peer().connect();
    for (let second = 0; second < 2; second++) {
      peer.server.tick();
      for (let i = 0; i < 4096; i++) window(peer);
    }
    assert.throws(() => window(peer), { kind: 'resource_exhausted', code: 'RTMP_TOO_MANY_MESSAGES' });
    const publisher = new Peer().connect();
    publisher.command('publish', 5, null, 'gate?token=abc', 'live');
    for (let i = 0; i < 5000; i++) publisher.send(messageType.audio, fromHex('af00'), i);
  });

  test('the commands of OBS, from connect to its end', () => {
    const peer = new Peer().connect();
    assert.deepEqual(codesOf(peer.command('releaseStream', 2, null, 'gate')), ['_result']);
    assert.deepEqual(codesOf(peer.command('FCPublish', 3, null, 'gate')), ['_result', 'onFCPublish']);
    assert.deepEqual(peer.command('createStream', 4, null), [['_result', 4, null, 1]]);
    const started = peer.command('publish', 5, null, 'gate?token=abc', 'live');
    assert.deepEqual(codesOf(started), [4, 'NetStream.Publish.Start']);
    assert.deepEqual(peer.targets, [{ app: 'live', name: 'gate', query: 'token=abc' }]);
    peer.send(messageType.video, fromHex('1700'), 40);
    peer.send(messageType.audio, fromHex('af00'), 41);
    assert.deepEqual(peer.media, [
      { type: 9, timestampMs: 40, body: '1700' },
      { type: 8, timestampMs: 41, body: 'af00' },
    ]);
    assert.deepEqual(codesOf(peer.command('FCUnpublish', 6, null, 'gate')), ['_result', 'onFCUnpublish']);
    assert.deepEqual(peer.command('deleteStream', 7, null, 1), []);
    assert.deepEqual(peer.told, ['publish', 'stop']);
    assert.equal(peer.server.state, 'idle');
  });

  test('the commands of players: bandwidth, length, pause, seek', () => {
    const peer = new Peer().ready();
    assert.deepEqual(peer.command('_checkbw', 3, null), [['_result', 3, null, 0]]);
    assert.deepEqual(peer.command('getStreamLength', 4, null, 'gate'), [['_result', 4, null, 0]]);
    assert.deepEqual(codesOf(peer.command('play', 5, null, 'gate', -2000)), [
      4,
      'NetStream.Play.Reset',
      'NetStream.Play.Start',
    ]);
    assert.deepEqual(codesOf(peer.command('pause', 6, null, true, 0)), ['NetStream.Pause.Notify']);
    assert.deepEqual(codesOf(peer.command('pause', 7, null, false, 0)), ['NetStream.Unpause.Notify']);
    assert.deepEqual(codesOf(peer.command('seek', 8, null, 0)), ['NetStream.Seek.Failed']);
    assert.deepEqual(codesOf(peer.command('publish', 9, null, 'other')), ['NetStream.Failed']);
    assert.deepEqual(codesOf(peer.command('conjure', 10, null)), ['_error']);
    assert.deepEqual(codesOf(peer.command('closeStream', 0, null)), ['NetStream.Play.Stop']);
    assert.deepEqual(peer.told, ['play', 'playing', 'pause', 'goes on', 'stop']);
  });

  test('media of a camera that does not wait for the answer are taken once it is yes', () => {
    const peer = new Peer().ready();
    peer.refusal = 'later';
    peer.command('publish', 3, null, 'gate', 'live');
    peer.send(messageType.video, fromHex('1700'), 40);
    assert.deepEqual(peer.media, []);
    peer.answer!();
    assert.deepEqual(peer.media, [{ type: 9, timestampMs: 40, body: '1700' }]);
  });

  test('a refusal says why', () => {
    const denied = new WatchpostError('the token is wrong', { kind: 'unauthenticated', code: 'TOKEN_INVALID' });
    const taken = new WatchpostError('it has a source', { kind: 'forbidden', code: 'STREAM_HAS_SOURCE' });
    const missing = new WatchpostError('no such stream', { kind: 'not_found', code: 'STREAM_NOT_FOUND' });
    for (const [command, refusal, code] of [
      ['publish', denied, 'NetStream.Publish.Denied'],
      ['publish', taken, 'NetStream.Publish.BadName'],
      ['play', missing, 'NetStream.Play.StreamNotFound'],
      ['play', denied, 'NetStream.Play.Failed'],
    ] as const) {
      const peer = new Peer().ready();
      peer.refusal = refusal;
      const [status] = peer.command(command, 3, null, 'gate');
      const info = status![3] as { code: string; description: string };
      assert.equal(info.code, code);
      assert.ok(info.description.endsWith(refusal.message));
      assert.deepEqual(peer.told, [command, 'refused']);
    }
  });

  test('pings are answered, bytes acknowledged, aggregates taken apart, AMF3 commands read', () => {
    const peer = new Peer().ready();
    peer.send(messageType.userControl, fromHex('0006 01020304'));
    assert.deepEqual(peer.replies(), [[4, '000701020304']]);
    peer.send(messageType.windowSize, fromHex('00001000'));
    peer.send(messageType.data, new Uint8Array(5000));
    const [acknowledged] = peer.replies();
    assert.equal(acknowledged![0], 3);
    // A zero before the AMF0 values, the name as AMF3 text.
    peer.send(messageType.commandAmf3, fromHex('00 11 06 0f 7075626c697368 00 4008000000000000 05 11 06 09 67617465'));
    assert.deepEqual(peer.targets.at(-1), { app: 'live', name: 'gate', query: '' });
    const tag = (type: string, ms: string, body: string) =>
      `${type} 0000${(body.length / 2).toString(16).padStart(2, '0')} ${ms} 00 000000 ${body} 0000000d`;
    peer.send(messageType.aggregate, fromHex(tag('08', '0003e8', 'af01') + tag('09', '0003fc', '2701')), 5000);
    assert.deepEqual(peer.media, [
      { type: 8, timestampMs: 5000, body: 'af01' },
      { type: 9, timestampMs: 5020, body: '2701' },
    ]);
  });

  test('names may stand in the application, queries in three places', () => {
    for (const [app, name, expected] of [
      ['live', 'gate?token=a', { app: 'live', name: 'gate', query: 'token=a' }],
      ['live?token=a', 'gate', { app: 'live', name: 'gate', query: 'token=a' }],
      ['live/gate', '', { app: 'live', name: 'gate', query: '' }],
      ['gate', '', { app: '', name: 'gate', query: '' }],
      ['/live/', 'gate', { app: 'live', name: 'gate', query: '' }],
    ] as const) {
      const peer = new Peer().connect(app);
      peer.command('publish', 3, null, name);
      assert.deepEqual(peer.targets, [expected]);
    }
  });
});

test('commands in each state do what SPEC.md says', () => {
  for (const [state, name, id] of [
    ['connecting', 'connect', 'MS-01'],
    ['connecting', 'play', 'MS-20'],
    ['idle', 'initStream', 'MS-02'],
    ['idle', 'connect', 'MS-12'],
    ['publishing', 'play', 'MS-21'],
    ['playing', 'pauseRaw', 'MS-10'],
    ['idle', 'toString', 'MS-22'],
  ] as const)
    assert.equal(serverRule(state, name).id, id, `${state} ${name}`);
});

/** A client of ours against a server of ours, or against answers by hand. */
function pair(
  mode: 'play' | 'publish',
  options: { url?: string; credentials?: { username: string; password: string } } = {},
) {
  const told: string[] = [];
  const media: string[] = [];
  const sent: Uint8Array[] = [];
  let ended: WatchpostError | undefined;
  const client = new RtmpClient(
    { url: 'rtmp://192.0.2.1/live/gate?key=1', mode, chunkSize: 4096, version: 'test', ...options },
    {
      send: (bytes) => sent.push(bytes),
      onActive: (streamId) => told.push(`active on ${streamId}`),
      onMedia: (type, timestampMs, body) => media.push(`${type} ${timestampMs} ${toHex(body)}`),
      connect: (url) => told.push(`connect ${url}`),
      onEnd: (error) => {
        ended = error;
      },
    },
  );
  return { client, told, media, sent, ended: () => ended };
}

/** Carries bytes between both until neither has any more. */
function talk(client: RtmpClient, sent: Uint8Array[], peer: Peer, replies: Uint8Array[]): void {
  while (sent.length + replies.length > 0) {
    for (const bytes of sent.splice(0)) peer.server.receive(bytes, 0, bytes.length);
    for (const bytes of replies.splice(0)) client.receive(bytes, 0, bytes.length);
  }
}

function serverBehind(): { peer: Peer; replies: Uint8Array[] } {
  const peer = new Peer();
  const replies: Uint8Array[] = [];
  Object.assign(peer.server, { send: (bytes: Uint8Array) => replies.push(bytes) });
  return { peer, replies };
}

describe('the client', () => {
  test('plays and publishes at our own server', () => {
    for (const mode of ['play', 'publish'] as const) {
      const { client, told, sent } = pair(mode);
      const { peer, replies } = serverBehind();
      client.start();
      talk(client, sent, peer, replies);
      assert.deepEqual(told, ['active on 1'], mode);
      assert.equal(client.state, 'active');
      assert.deepEqual(peer.targets, [{ app: 'live', name: 'gate', query: 'key=1' }]);
      client.stop();
      talk(client, sent, peer, replies);
      assert.equal(peer.told.at(-1), 'stop');
    }
  });

  test('says why it was refused', () => {
    for (const [mode, refusal, code] of [
      ['play', new WatchpostError('no such', { kind: 'not_found', code: 'X' }), 'RTMP_STREAM_NOT_FOUND'],
      ['publish', new WatchpostError('no', { kind: 'unauthenticated', code: 'X' }), 'RTMP_PUBLISH_REFUSED'],
    ] as const) {
      const { client, sent, ended } = pair(mode);
      const { peer, replies } = serverBehind();
      peer.refusal = refusal;
      client.start();
      talk(client, sent, peer, replies);
      assert.equal(ended()?.code, code);
      assert.equal(ended()?.kind, refusal.kind);
    }
  });

  /** Answers `connect` with a refusal. */
  function refuseConnect(client: RtmpClient, info: AmfValue): void {
    client.start();
    const handshake = new Uint8Array(handshakeBytes);
    handshake[0] = 3;
    client.receive(handshake, 0, handshake.length);
    const body = writeCommand('_error', 1, [null, info]);
    const bytes = chunkMessage({ chunkStreamId: 3, type: 20, timestampMs: 0, streamId: 0, chunkSize: 128 }, body);
    client.receive(bytes, 0, bytes.length);
  }

  test('follows a redirect, to an application or a stream, and never out of TLS', () => {
    const redirect = (target: string) => ({
      level: 'error',
      code: 'NetConnection.Connect.Rejected',
      ex: { code: 302, redirect: target },
    });
    const first = pair('play');
    refuseConnect(first.client, redirect('rtmp://192.0.2.2/edge'));
    assert.deepEqual(first.told, ['connect rtmp://192.0.2.2/edge/gate?key=1']);
    const second = pair('play');
    refuseConnect(second.client, redirect('rtmp://192.0.2.2/edge/other'));
    assert.deepEqual(second.told, ['connect rtmp://192.0.2.2/edge/other']);
    const secure = pair('play', { url: 'rtmps://192.0.2.1/live/gate' });
    refuseConnect(secure.client, redirect('rtmp://192.0.2.2/edge'));
    assert.equal(secure.ended()?.code, 'RTMP_CONNECT_REFUSED');
  });

  test('logs in as servers of Adobe want it', () => {
    const { client, told, sent, ended } = pair('publish', { credentials: { username: 'bob', password: 'secret' } });
    const reject = (text: string) => ({ level: 'error', code: 'NetConnection.Connect.Rejected', description: text });
    refuseConnect(client, reject('[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : '));
    sent.length = 0;
    refuseConnect(
      client,
      reject(
        '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=bob&salt=c2FsdA==&challenge=Y2hhbA==&opaque=b3A=',
      ),
    );
    sent.length = 0;
    refuseConnect(client, reject('[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=b3A='));
    assert.equal(told.length, 2);
    const connect = new TextDecoder('latin1').decode(sent.at(-1));
    assert.match(connect, /authmod=adobe&user=bob&challenge=[0-9a-f]{8}&response=[\w+/]{22}==&opaque=b3A=/);
    assert.equal(ended()?.code, 'RTMP_LOGIN_REFUSED');
  });

  test('an address without a stream is refused', () => {
    assert.throws(() => pair('play', { url: 'rtmp://192.0.2.1/live' }), { code: 'RTMP_ADDRESS' });
  });
});
