import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { readAmf0 } from '../container/flv/amf0.ts';
import { readAmf3 } from '../container/flv/amf3.ts';
import { FlvTagReader } from '../container/flv/tag-reader.ts';
import { chunkMessage } from './chunk-writer.ts';
import { RtmpClient } from './client.ts';
import { messageType } from './codes.ts';
import { writeCommand } from './command.ts';
import { RtmpServer } from './server.ts';

const handshakeBytes = 1 + 1536 + 1536;
const nothing = () => {};

/** What an encoder sends after its handshake, and an AMF3 value. */
export const seeds: readonly Uint8Array[] = [
  concatBytes([
    command('connect', 1, [{ app: 'live', tcUrl: 'rtmp://192.0.2.1/live' }]),
    command('createStream', 2, [null]),
    command('publish', 3, [null, 'gate', 'live']),
    message(messageType.setChunkSize, Uint8Array.of(0, 0, 16, 0)),
    message(
      messageType.video,
      Uint8Array.of(0x17, 0, 0, 0, 0, 1, 66, 0, 30, 255, 225, 0, 2, 103, 66, 1, 0, 2, 104, 203),
    ),
    message(messageType.aggregate, Uint8Array.of(8, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 0xaf, 0, 0, 0, 0, 13)),
  ]),
  command('_result', 1, [null, { code: 'NetConnection.Connect.Success' }]),
  Uint8Array.of(17, 10, 0x2b, 1, 5, 97, 98, 6, 3, 99, 9, 5, 1, 4, 1, 6, 0, 1),
];

function command(name: string, transaction: number, values: Parameters<typeof writeCommand>[2]): Uint8Array {
  return message(messageType.command, writeCommand(name, transaction, values));
}

function message(type: number, body: Uint8Array): Uint8Array {
  return chunkMessage({ chunkStreamId: 3, type, timestampMs: 0, streamId: 1, chunkSize: 4096 }, body);
}

/** Reads any bytes as what follows a handshake, on both sides, and as AMF; throws only what is a defect of ours. */
export function fuzz(bytes: Uint8Array): void {
  const handshake = new Uint8Array(handshakeBytes);
  handshake[0] = 3;
  const reader = new FlvTagReader({ track: nothing, unit: nothing });
  const onMedia = (type: number, timestampMs: number, body: Uint8Array) =>
    attempt(() => reader.read(type, timestampMs, body));
  const server = new RtmpServer(
    { chunkSize: 128 },
    {
      ...{ send: nothing, onPlaying: nothing, onPause: nothing, onStop: nothing, onRefused: nothing, onMedia },
      onPublish: (_target, answer) => answer(),
      onPlay: (_target, answer) => answer(),
    },
  );
  server.receive(handshake, 0, handshake.length);
  // Pieces whose size hangs on the bytes, so that every cut comes up.
  attempt(() => {
    for (let at = 0, size = 1 + (bytes[0] ?? 0); at < bytes.length; at += size) {
      server.receive(bytes, at, Math.min(at + size, bytes.length));
    }
  });
  const client = new RtmpClient(
    { url: 'rtmp://192.0.2.1/live/gate', mode: 'play', chunkSize: 128, version: 'fuzz', readAmf3 },
    { send: nothing, onActive: nothing, onMedia, connect: nothing, onEnd: nothing },
  );
  client.start();
  client.receive(handshake, 0, handshake.length);
  attempt(() => client.receive(bytes, 0, bytes.length));
  attempt(() => readAmf0(bytes, 0, readAmf3));
}

function attempt(read: () => void): void {
  try {
    read();
  } catch (thrown) {
    if (!(thrown instanceof WatchpostError)) throw thrown;
  }
}
