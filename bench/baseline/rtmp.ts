/**
 * The bare prototype of taking RTMP encoders and showing the first one to players: answers the commands that
 * bench/rtmp-load.ts sends by their transaction numbers, copies each message once and keeps the last group of pictures,
 * writes each message as it came to each socket. No bounds, no time repair, no API: the floor to compare with.
 *
 *   node bench/baseline/rtmp.ts PORT
 */
import { createServer, type Socket } from 'node:net';
import { chunkMessage } from '@watchpost/media/rtmp/chunk-writer.ts';
import { writeCommand } from '@watchpost/media/rtmp/command.ts';

const port = Number(process.argv[2] ?? 1935);
const handshake = 1536;
const chunkSize = 4096;
const players = new Set<Socket>();
let first: Socket | undefined;

function command(socket: Socket, body: Buffer): void {
  const name = body.toString('latin1', 3, 3 + body.readUInt16BE(1));
  const transaction = body.readDoubleBE(3 + name.length + 1);
  const send = (type: number, bytes: Uint8Array) =>
    socket.write(chunkMessage({ chunkStreamId: 3, type, timestampMs: 0, streamId: 1, chunkSize }, bytes));
  if (name === 'connect') send(1, Uint8Array.of(0, 0, 16, 0));
  if (name === 'connect' || name === 'createStream') send(20, writeCommand('_result', transaction, [null, 1]));
  if (name === 'publish') send(20, writeCommand('onStatus', 0, [null, { code: 'NetStream.Publish.Start' }]));
  if (name === 'publish') first ??= socket;
  if (name !== 'play') return;
  send(20, writeCommand('onStatus', 0, [null, { code: 'NetStream.Play.Start' }]));
  players.add(socket);
}

createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  let step = 0;
  let theirChunk = 128;
  let group: Buffer[] = [];
  const read = (bytes: Buffer): number => {
    if (bytes.length < 12) return 0;
    const length = bytes.readUIntBE(4, 3);
    const size = 12 + length + Math.floor(Math.max(length - 1, 0) / theirChunk);
    if (bytes.length < size) return 0;
    const type = bytes[7];
    const body = Buffer.allocUnsafeSlow(length);
    for (let at = 12, to = 0; to < length; at += theirChunk + 1) {
      to += bytes.copy(body, to, at, at + Math.min(theirChunk, length - to));
    }
    if (type === 1) theirChunk = body.readUInt32BE();
    else if (type === 20) command(socket, body);
    else if (type === 9) {
      if (body[0] === 0x17) group = [];
      group.push(body);
      if (socket === first) {
        const out = Buffer.from(bytes.subarray(0, size));
        for (const player of players) player.write(out);
      }
    }
    return size;
  };
  socket.on('data', (chunk: Buffer) => {
    let bytes: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    if (step === 0 && bytes.length > handshake) {
      socket.write(Buffer.concat([bytes.subarray(0, 1 + handshake), bytes.subarray(1, 1 + handshake)]));
      bytes = bytes.subarray(1 + handshake);
      step = 1;
    }
    if (step === 1 && bytes.length >= handshake) {
      bytes = bytes.subarray(handshake);
      step = 2;
    }
    while (step === 2) {
      const used = read(bytes);
      if (used === 0) break;
      bytes = bytes.subarray(used);
    }
    rest = bytes;
  });
  socket.on('close', () => players.delete(socket));
  socket.on('error', () => socket.destroy());
}).listen(port, '127.0.0.1', 4096, () => console.log('ready'));
