import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readSync } from 'node:fs';
import net from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { directSocket, writeDirectly } from './direct-writes.ts';

/** A connection, with a count of what goes through the stream of the side that writes. */
async function connection() {
  const server = net.createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  let streamed = 0;
  const write = socket.write.bind(socket);
  socket.write = (...args: unknown[]) => {
    streamed++;
    return Reflect.apply(write, socket, args) as boolean;
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
  assert.equal(writeDirectly(direct, Buffer.from('one')), true);
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
  for (; isFree; sent += blockBytes) isFree = writeDirectly(direct, block());
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
  writeDirectly(direct, block());
  sent += blockBytes;
  assert.equal(pair.streamed(), 2);
  client.on('data', check);
  client.resume();
  await once(socket, 'drain');
  writeDirectly(direct, block());
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
    writeDirectly(direct, Buffer.from('nobody reads it'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await closed;
  assert.equal(errors.length, 1);
  // The next connections get the descriptor.
  await using other = await connection();
  other.client.resume();
  const data: Buffer[] = [];
  other.client.on('data', (bytes: Buffer) => data.push(bytes));
  assert.equal(writeDirectly(direct, Buffer.from('lost')), false);
  writeDirectly(directSocket(other.socket), Buffer.from('mine'));
  await once(other.client, 'data');
  assert.equal(String(Buffer.concat(data)), 'mine');
});

test('whatever is no plain TCP socket is written to as any stream', async () => {
  class Wrapped extends net.Socket {}
  for (const socket of [new PassThrough(), new Wrapped()]) assert.equal(directSocket(socket).handle, undefined);
  const stream = new PassThrough();
  assert.equal(writeDirectly(directSocket(stream), Buffer.from('through')), true);
  assert.equal(String((await once(stream, 'data'))[0]), 'through');
});
