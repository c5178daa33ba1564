import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import test from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { WebSocket } from 'ws';
import { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import { StreamHub } from '../../hub/stream-hub.ts';
import type { Publisher } from '../../hub/types.ts';
import { Viewer, type ViewerCounts } from './viewer.ts';

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
  cork(): void {}
  uncork(): void {}
  write(): boolean {
    this.media++;
    return !this.writableNeedDrain;
  }
}

class FakeWebSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly said: Record<string, unknown>[] = [];
  pings = 0;
  ended = '';
  send(text: string): void {
    this.said.push(JSON.parse(text));
  }
  ping(): void {
    this.pings++;
  }
  close(code: number): void {
    this.ended = `closed ${code}`;
    this.emit('close');
  }
  terminate(): void {
    this.ended = 'cut';
    this.emit('close');
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
  const publisher: Publisher = stream.publish([{ track: alaw, format: {} }]);
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
  const counts: ViewerCounts = { viewers: 0, opened: 0, bytes: 0, droppedSamples: 0, stuck: 0 };
  const socket = new FakeSocket();
  const webSocket = new FakeWebSocket();
  play(1);
  const viewer = new Viewer(webSocket as unknown as WebSocket, socket as unknown as Socket, {
    ...{ stream, live, clock, counts, frame: (payload: { bytes: Uint8Array }) => payload.bytes },
    onEnd: () => {},
  });
  return { clock, hub, live, counts, socket, webSocket, viewer, play };
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
  assert.equal(webSocket.ended, '');
  play(200);
  assert.equal(webSocket.ended, 'cut');
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
