import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { WebSocket } from 'ws';
import { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import { LiveViewer, noViewers } from '../../hub/live-viewer.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import { TestGrant } from '../../hub/test-grant.ts';
import type { Publisher, ReaderOptions } from '../../hub/types.ts';
import { socketAnswer } from '../../net/media-answer.ts';
import { FileFace, fmp4Type } from './file-face.ts';
import { WebSocketFace } from './web-socket-face.ts';

const alaw: Track = {
  id: 0,
  kind: 'audio',
  codec: 'pcma',
  clockRate: 8000,
  sampleRate: 8000,
  channels: 1,
  parameterSets: [],
};

/** A socket whose other end takes what the test says. */
class FakeSocket extends EventEmitter {
  writableNeedDrain = false;
  media = 0;
  destroyed = false;
  text = '';
  ended: string | undefined;
  readonly writes: Uint8Array[] = [];
  cork(): void {}
  uncork(): void {}
  write(bytes: Uint8Array | string): boolean {
    this.media++;
    if (typeof bytes === 'string') this.text += bytes;
    else this.writes.push(bytes);
    return !this.writableNeedDrain;
  }
  end(text = ''): void {
    this.ended = text;
  }
  setTimeout(): void {}
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

class FakeWebSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly said: Record<string, unknown>[] = [];
  readonly #socket: FakeSocket;
  pings = 0;
  ended = '';
  constructor(socket: FakeSocket) {
    super();
    this.#socket = socket;
  }
  send(text: string): void {
    this.said.push(JSON.parse(text));
  }
  ping(): void {
    this.pings++;
  }
  close(code: number): void {
    this.ended = `closed ${code}`;
    this.#socket.emit('close');
  }
  terminate(): void {
    this.ended = 'cut';
    this.#socket.destroy();
  }
}

async function setUp() {
  const clock = new ManualClock();
  const hub = new StreamHub({
    ...{ clock, logger: silentLogger, reconnectDelayMs: 1000 },
    protocolFor: () => undefined,
    pull: async () => {},
  });
  const stream = await hub.define({
    ...{ id: 'gate', title: '', protocol: 'test', sources: [], record: false, onDemand: false, stopped: false },
    origin: 'api',
  });
  let publisher: Publisher = stream.publish([{ track: alaw, format: {} }]);
  let ticks = 0;
  const play = (packets: number) => {
    for (let i = 0; i < packets; i++) {
      publisher.writeUnit(0, { pts: ticks, dts: ticks, key: true, units: [new Uint8Array(160)] });
      publisher.flush();
      ticks += 160;
      clock.advance(20);
    }
  };
  const live = new LiveFmp4({ clock });
  const counts = noViewers();
  const socket = new FakeSocket();
  const webSocket = new FakeWebSocket(socket);
  play(1);
  const frame = (payload: { bytes: Uint8Array }) => payload.bytes;
  const grant = new TestGrant();
  const options = { stream, grant, clock, counts, protocol: 'fmp4', onEnd: () => {} };
  const open = (readerOptions: ReaderOptions) => live.open(stream, readerOptions);
  const face = new WebSocketFace(webSocket as unknown as WebSocket, socket as unknown as Socket, {
    ...{ stream, clock, frame },
  });
  new LiveViewer(face, { ...options, open });
  /** A viewer over plain HTTP of the same stream. */
  const openFile = () => {
    const file = new FakeSocket();
    new LiveViewer(new FileFace(socketAnswer(file as unknown as Socket, fmp4Type)), {
      ...options,
      open,
      firstWithinMs: 15_000,
    });
    return file;
  };
  const reconnect = (track: Track) => {
    publisher = stream.publish([{ track, format: {} }]);
    ticks = 0;
  };
  return { clock, hub, live, counts, grant, socket, webSocket, play, openFile, reconnect };
}

test('a new viewer gets the init segment and what is cached at once, then what comes', async () => {
  const { hub, socket, webSocket, play } = await setUp();
  assert.deepEqual(
    webSocket.said.map((message) => message['type']),
    ['init', 'clock'],
  );
  assert.equal(socket.media, 2);
  play(10);
  assert.equal(socket.media, 12);
  await hub[Symbol.asyncDispose]();
  assert.equal(webSocket.ended, 'closed 1001');
});

test('nothing is pulled while the socket is full; a viewer that fell behind hears how much it missed', async () => {
  const { hub, socket, webSocket, play } = await setUp();
  socket.writableNeedDrain = true;
  play(1);
  const before = socket.media;
  play(700);
  assert.equal(socket.media, before, 'not one more while it is full');
  socket.writableNeedDrain = false;
  socket.emit('drain');
  const dropped = webSocket.said.find((message) => message['type'] === 'dropped');
  const shown = socket.media - before;
  assert.equal((dropped?.['samples'] as number) + shown, 700, JSON.stringify(dropped));
  assert.ok(shown <= 520, `${shown} chunks are more than ten seconds`);
  await hub[Symbol.asyncDispose]();
});

test('a viewer that takes nothing for thirty seconds is cut, and the muxer ends with it', async () => {
  const { hub, live, counts, socket, webSocket, play } = await setUp();
  socket.writableNeedDrain = true;
  webSocket.ping = () => void webSocket.emit('pong');
  play(1400);
  assert.equal(socket.destroyed, false);
  play(200);
  assert.equal(socket.destroyed, true);
  assert.deepEqual([counts.stuck, counts.viewers, live.active], [1, 0, 0]);
  await hub[Symbol.asyncDispose]();
});

test('a ping without an answer ends the viewer', async () => {
  const { clock, hub, webSocket } = await setUp();
  clock.advance(30_100);
  assert.equal(webSocket.pings, 1);
  webSocket.emit('pong');
  clock.advance(30_100);
  assert.equal(webSocket.pings, 2);
  clock.advance(10_000);
  assert.equal(webSocket.ended, 'cut');
  await hub[Symbol.asyncDispose]();
});

test('over HTTP the same chunks come as a file: answer, init segment, and the very bytes of the other viewers', async () => {
  const { hub, socket, play, openFile } = await setUp();
  const file = openFile();
  assert.match(file.text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*video\/mp4[\s\S]*\r\n\r\n$/);
  assert.equal(file.writes.length, 2, 'init segment, one chunk');
  play(10);
  assert.equal(file.writes.length, 12);
  assert.equal(file.writes.at(-1), socket.writes.at(-1));
  await hub[Symbol.asyncDispose]();
});

test('a file goes on over sessions of the camera, and ends where its sound is another', async () => {
  const { hub, counts, play, openFile, reconnect } = await setUp();
  const file = openFile();
  reconnect({ ...alaw });
  play(10);
  assert.equal(file.ended, undefined);
  assert.equal(file.writes.length, 12);
  reconnect({ ...alaw, channels: 2 });
  play(10);
  assert.equal(file.ended, '');
  assert.equal(file.writes.length, 12);
  assert.equal(counts.viewers, 1, 'the WebSocket stays');
  await hub[Symbol.asyncDispose]();
});

test('viewers whose right is withdrawn hear why and go: 4401 and its code, or the end of the file', async () => {
  const { hub, live, counts, grant, webSocket, openFile } = await setUp();
  const file = openFile();
  assert.equal(grant.watched, 2);
  grant.withdraw();
  assert.equal(webSocket.ended, 'closed 4401');
  const { type, code } = webSocket.said.at(-1)!;
  assert.deepEqual([type, code], ['error', 'ACCESS_REVOKED']);
  assert.equal(file.ended, '');
  assert.deepEqual([grant.watched, counts.viewers, live.active], [0, 0, 0]);
  await hub[Symbol.asyncDispose]();
});

test('a viewer that has gone by itself is not watched any more', async () => {
  const { hub, grant, socket } = await setUp();
  socket.emit('close');
  assert.equal(grant.watched, 0);
  await hub[Symbol.asyncDispose]();
});
