import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { readShared } from './shared-reads.ts';

test('an accepted connection is read into a shared buffer, written, paused and closed as any other', async () => {
  const seen: { text: string; buffer: unknown }[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
    const socket = readShared(accepted, {
      allowHalfOpen: true,
      onRead: (bytes, buffer) => {
        seen.push({ text: Buffer.from(buffer.subarray(0, bytes)).toString(), buffer: buffer.buffer });
        socket.write('answer');
      },
    });
    socket.on('end', () => socket.end());
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const [a, b] = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')];
  a.write('one');
  assert.equal(String((await once(a, 'data'))[0]), 'answer');
  b.write('two');
  assert.equal(String((await once(b, 'data'))[0]), 'answer');
  assert.deepEqual(
    seen.map(({ text }) => text),
    ['one', 'two'],
  );
  assert.equal(seen[0]!.buffer, seen[1]!.buffer, 'no buffer of its own');
  assert.equal(sockets[0]!.remoteAddress, '127.0.0.1');
  for (const socket of sockets) socket.pause();
  a.write('later');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(seen.length, 2);
  for (const socket of sockets) socket.resume();
  await once(a, 'data');
  assert.equal(seen[2]!.text, 'later');
  a.end();
  b.destroy();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
