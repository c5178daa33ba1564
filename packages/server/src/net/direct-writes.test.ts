import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readSync } from 'node:fs';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type DirectSocket, directSocket, writeToAll } from './direct-writes.ts';

/** To one alone; false where it takes no more. */
const write = (direct: DirectSocket, bytes: Uint8Array) => writeToAll([direct], bytes).length === 0;

/** A connection, with a count of what goes through the stream of the side that writes. */
async function connection() {
  const server = net.createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  let streamed = 0;
  const through = socket.write.bind(socket);
  socket.write = (...args: unknown[]) => {
    streamed++;
    return Reflect.apply(through, socket, args) as boolean;
  };
  client.pause();
  return {
    ...{ socket, client, streamed: () => streamed },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test('what the kernel takes at once does not go through the stream', async () => {
  await using pair = await connection();
  const direct = directSocket(pair.socket);
  assert.equal(write(direct, Buffer.from('one')), true);
  pair.client.resume();
  assert.equal(String((await once(pair.client, 'data'))[0]), 'one');
  assert.equal(pair.streamed(), 0);
});

test('what it does not take waits in the stream, and every byte arrives once and in order', async () => {
  await using pair = await connection();
  const { socket, client } = pair;
  const direct = directSocket(socket);
  const blockBytes = 100_003;
  let sent = 0;
  const block = () => Uint8Array.from({ length: blockBytes }, (_, i) => (sent + i) % 251);
  let isFree = true;
  for (; isFree; sent += blockBytes) isFree = write(direct, block());
  assert.ok(pair.streamed() === 1 && socket.writableLength > 0, `${pair.streamed()} through the stream`);
  let received = 0;
  let wrong = 0;
  const check = (bytes: Uint8Array) => {
    for (const byte of bytes) if (byte !== received++ % 251) wrong++;
  };
  // The kernel has room again, but what waits in the stream goes first.
  const taken = Buffer.alloc(1024 * 1024);
  const fd = directSocket(client).fd;
  for (let i = 0; i < 8 && received < 1024 * 1024; i++) check(taken.subarray(0, readSync(fd, taken)));
  write(direct, block());
  sent += blockBytes;
  assert.equal(pair.streamed(), 2);
  client.on('data', check);
  client.resume();
  await once(socket, 'drain');
  write(direct, block());
  sent += blockBytes;
  assert.equal(pair.streamed(), 2, 'straight again once it has drained');
  socket.end();
  await once(client, 'end');
  assert.equal(received, sent);
  assert.equal(wrong, 0);
});

test('the end of a connection is told as it always is, and nothing is written to a descriptor that is somebody else’s', async () => {
  await using pair = await connection();
  const direct = directSocket(pair.socket);
  const errors: unknown[] = [];
  pair.socket.on('error', (error) => errors.push(error));
  pair.client.resetAndDestroy();
  const closed = new Promise((resolve) => pair.socket.once('close', resolve));
  for (let i = 0; i < 100 && !pair.socket.destroyed; i++) {
    write(direct, Buffer.from('nobody reads it'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await closed;
  assert.equal(errors.length, 1);
  // The next connections get the descriptor.
  await using other = await connection();
  other.client.resume();
  const data: Buffer[] = [];
  other.client.on('data', (bytes: Buffer) => data.push(bytes));
  assert.equal(write(direct, Buffer.from('lost')), false);
  write(directSocket(other.socket), Buffer.from('mine'));
  await once(other.client, 'data');
  assert.equal(String(Buffer.concat(data)), 'mine');
});

test('whatever is no plain TCP socket is written to as any stream', async () => {
  class Wrapped extends net.Socket {}
  for (const socket of [new PassThrough(), new Wrapped()]) assert.equal(directSocket(socket).handle, undefined);
  const stream = new PassThrough();
  assert.equal(write(directSocket(stream), Buffer.from('through')), true);
  assert.equal(String((await once(stream, 'data'))[0]), 'through');
});

test('of many those that are full are named, and each gets every byte once', async () => {
  const pairs = [await connection(), await connection(), await connection()];
  const through = new PassThrough({ highWaterMark: 10 });
  const sockets = [...pairs.map(({ socket }) => directSocket(socket)), directSocket(through)];
  const stuck = sockets[1]!;
  let filled = 0;
  for (const bytes = Buffer.alloc(100_000); write(stuck, bytes); ) filled += bytes.length;
  filled += 100_000;
  const block = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);
  assert.deepEqual(writeToAll(sockets, block), [1, 3]);
  const received = await Promise.all(
    pairs.map(async ({ socket, client }) => {
      const data: Buffer[] = [];
      client.on('data', (bytes: Buffer) => data.push(bytes)).resume();
      socket.end();
      await once(client, 'end');
      return Buffer.concat(data);
    }),
  );
  assert.deepEqual(
    received.map(({ length }) => length),
    [5000, filled + 5000, 5000],
  );
  for (const bytes of received) assert.ok(bytes.subarray(-5000).equals(block));
  assert.ok((through.read() as Buffer).equals(block));
  for (const pair of pairs) await pair[Symbol.asyncDispose]();
});
