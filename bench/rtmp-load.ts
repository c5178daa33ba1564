/**
 * RTMP encoders or players in one process, as cheap as they can be. Encoders send H.264 of 25 frames and 1 Mbit/s, each
 * frame one write, key pictures at 20 different times; what players get is counted and dropped, but for the first one's,
 * whose frames tell how long they were under way.
 *
 *   node bench/rtmp-load.ts publish COUNT PORT      prints `publishing` once all do, goes on until it is ended
 *   node bench/rtmp-load.ts play COUNT PORT NAME    prints `playing` once all do, then each second: bytes of the one that
 *                                                   got least, p50 and p99 of the delays of the last 2000 frames in ms
 */
import { connect, type Socket } from 'node:net';
import { FlvMuxer } from '@watchpost/media/container/flv/muxer.ts';
import { chunkMessage } from '@watchpost/media/rtmp/chunk-writer.ts';
import { RtmpClient } from '@watchpost/media/rtmp/client.ts';
import type { Track } from '@watchpost/media/types.ts';

const [mode = 'publish', countText = '1', portText = '1935', name = 'cam0'] = process.argv.slice(2);
const count = Number(countText);
const port = Number(portText);
const fps = 25;
const phases = 20;
const gop = 50;
const gopBytes = (1_000_000 / 8) * (gop / fps);
const keyBytes = Math.round(gopBytes * 0.18);
const deltaBytes = Math.round((gopBytes - keyBytes) / (gop - 1));
const chunkSize = 4096;
/** Where a frame says when it left: behind lead, length and the first two bytes of the slice. */
const stampAt = 5 + 4 + 2;
const keptDelays = 2000;
const track: Track = {
  ...{ id: 0, kind: 'video', codec: 'h264', clockRate: 90_000 },
  parameterSets: [Buffer.from('Z2QAKKzZQFAFuwEQAAADABAAAAMDIPGDGWA=', 'base64'), Buffer.from('aOvjyyLA', 'base64')],
};
const muxer = new FlvMuxer([track]);
const shared = new Uint8Array(256 * 1024);

function open(streamName: string, on: { active(socket: Socket): void; media?(body: Uint8Array): void }): void {
  let isActive = false;
  let drop = false;
  const index = nextIndex++;
  const client: RtmpClient = new RtmpClient(
    {
      url: `rtmp://127.0.0.1:${port}/live/${streamName}`,
      mode: mode === 'play' ? 'play' : 'publish',
      chunkSize,
      version: 'load',
    },
    {
      send: (bytes) => socket.write(bytes),
      onActive: () => {
        isActive = true;
        on.active(socket);
      },
      onMedia: (_type, _timestampMs, body) => on.media?.(body),
      connect: () => {},
      onEnd: (error) => console.error(error.message),
    },
  );
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (length: number, buffer: Uint8Array) => {
        received[index]! += length;
        if (!drop) client.receive(buffer, 0, length);
        if (isActive && mode === 'play' && on.media === undefined) drop = true;
        return true;
      },
    },
  });
  socket.on('connect', () => client.start());
  socket.on('error', (error) => console.error(error.message));
}

let nextIndex = 0;
const received = new Float64Array(count);

function publish(): void {
  const groups: Socket[][] = Array.from({ length: phases }, () => []);
  let active = 0;
  const begin = (socket: Socket) => {
    for (const { tagType, body } of muxer.beginBodies()) {
      socket.write(chunkMessage({ chunkStreamId: 4, type: tagType, timestampMs: 0, streamId: 1, chunkSize }, body));
    }
    groups[active % phases]!.push(socket);
    if (++active === count) console.log('publishing');
  };
  for (let i = 0; i < count; i++) setTimeout(() => open(`cam${i}`, { active: begin }), i * 5);
  for (const [phase, group] of groups.entries()) {
    let frame = Math.floor((phase * gop) / phases);
    const startMs = performance.now() + (phase * 1000) / fps / phases;
    const send = () => {
      const bytes = frameBody(frame++);
      const head = { chunkStreamId: 4, type: 9, timestampMs: Math.round((frame * 1000) / fps), streamId: 1, chunkSize };
      const chunks = chunkMessage(head, bytes);
      for (const socket of group) socket.write(chunks);
      setTimeout(send, startMs + ((frame - Math.floor((phase * gop) / phases)) * 1000) / fps - performance.now());
    };
    setTimeout(send, startMs - performance.now());
  }
}

function frameBody(frame: number): Buffer {
  const key = frame % gop === 0;
  const body = Buffer.alloc(key ? keyBytes : deltaBytes, 0x5a);
  body.writeUInt16BE(key ? 0x1701 : 0x2701, 0);
  body.writeUIntBE(0, 2, 3);
  body.writeUInt32BE(body.length - 9, 5);
  body.writeUInt16BE(key ? 0x6588 : 0x4188, 9);
  body.writeDoubleBE(nowMs(), stampAt);
  return body;
}

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function play(): void {
  let active = 0;
  const delays: number[] = [];
  const media = (body: Uint8Array) => {
    if (body.length < 1000) return;
    delays.push(nowMs() - new DataView(body.buffer, body.byteOffset).getFloat64(stampAt));
    if (delays.length > keptDelays) delays.shift();
  };
  const begin = () => {
    if (++active === count) begun();
  };
  const begun = () => {
    console.log('playing');
    // What was cached came late, and does not count.
    setTimeout(() => delays.splice(0), 1500);
    setInterval(() => {
      const sorted = delays.toSorted((a, b) => a - b);
      const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(2);
      console.log(`${Math.min(...received)} ${at(0.5)} ${at(0.99)}`);
    }, 1000);
  };
  for (let i = 0; i < count; i++) setTimeout(() => open(name, { active: begin, ...(i === 0 && { media }) }), i * 3);
}

if (mode === 'publish') publish();
else play();
