import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { ClientLine } from './client-line.ts';

async function connected(): Promise<{ client: net.Socket; line: ClientLine } & AsyncDisposable> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepting = once(server, 'connection');
  const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [accepted] = await accepting;
  const line = new ClientLine(accepted);
  return {
    ...{ client, line },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      line.socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What comes in the next call, and the memory that it is in. */
function nextOf(line: ClientLine): Promise<{ text: string; memory: ArrayBufferLike }> {
  return new Promise((resolve) =>
    line.hear((bytes) => resolve({ text: Buffer.from(bytes).toString(), memory: bytes.buffer })),
  );
}

test('bytes go to one receiver after the other, out of memory that all connections share', async () => {
  await using first = await connected();
  await using second = await connected();
  const doorstep = nextOf(first.line);
  first.client.write('DESCRIBE');
  const { text, memory } = await doorstep;
  assert.equal(text, 'DESCRIBE');
  const session = nextOf(first.line);
  first.client.write('SETUP');
  assert.deepEqual(await session, { text: 'SETUP', memory });
  const other = nextOf(second.line);
  second.client.write('OPTIONS');
  assert.deepEqual(await other, { text: 'OPTIONS', memory });
});

test('what nobody hears is read and forgotten, and the end is told', async () => {
  await using connection = await connected();
  connection.line.hear(() => assert.fail('nobody listens'));
  connection.line.ignore();
  const end = once(connection.line.socket, 'end');
  connection.client.end('bye');
  await end;
});

test('what comes while the line rests waits for the next receiver', async () => {
  await using connection = await connected();
  connection.line.socket.pause();
  connection.client.write('early');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const heard = nextOf(connection.line);
  connection.line.socket.resume();
  assert.equal((await heard).text, 'early');
});
