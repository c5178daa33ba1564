import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { Certificate } from './certificate.ts';
import { TcpListeners } from './tcp-listeners.ts';

const testdata = new URL('testdata/', import.meta.url).pathname;
const files = { certFile: `${testdata}first.crt`, keyFile: `${testdata}first.key` };

/** A socket, and whether it was hung up on. */
function watched<T extends net.Socket>(socket: T) {
  const client = { socket, isClosed: false };
  socket.on('error', () => {});
  socket.on('close', () => {
    client.isClosed = true;
  });
  socket.resume();
  return client;
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !what(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(what());
}

test('whoever does not go on with TLS makes room for others; nobody who is through with it does', async () => {
  using certificate = await Certificate.open(() => files, { clock: new ManualClock(), logger: silentLogger });
  const accepted = new Set<net.Socket>();
  await using listeners = new TcpListeners({
    ...{ protocol: 'test', logger: silentLogger, maxConnections: () => 3 },
    accept: (socket) => {
      accepted.add(socket);
      socket.on('error', () => {}).on('close', () => accepted.delete(socket));
    },
  });
  const { port } = await listeners.listen({ host: '127.0.0.1', port: 0 }, certificate);
  const silent = async () => {
    const client = watched(net.connect(port, '127.0.0.1'));
    await once(client.socket, 'connect');
    return client;
  };
  const secure = () => watched(tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));

  const silents = [await silent(), await silent(), await silent()];
  const players = [];
  for (let count = 1; count <= 3; count++) {
    players.push(secure());
    await until(() => accepted.size === count);
  }
  await until(() => silents.every(({ isClosed }) => isClosed));
  const beyond = secure();
  await until(() => beyond.isClosed);
  assert.deepEqual(
    players.map(({ isClosed }) => isClosed),
    [false, false, false],
  );

  for (const { socket } of players) socket.destroy();
  await until(() => accepted.size === 0);
  const others = [await silent(), await silent()];
  players.push(secure());
  await until(() => accepted.size === 1);
  assert.equal(others[1]!.isClosed, false, 'places of those who left are free again');
});

test('a port that cannot be had is tried for days, and the certificate remembers none of it', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as net.AddressInfo;
  using certificate = await Certificate.open(() => files, { clock: new ManualClock(), logger: silentLogger });
  let remembered = 0;
  const onChange = certificate.onChange.bind(certificate);
  certificate.onChange = (changed) => {
    remembered++;
    onChange(changed);
  };
  const parts = { protocol: 'test', logger: silentLogger, maxConnections: () => 3, accept: () => {} };
  await using listeners = new TcpListeners(parts);
  for (let i = 0; i < 3; i++) {
    await assert.rejects(listeners.listen({ host: '127.0.0.1', port }, certificate), { code: 'TEST_PORT_TAKEN' });
  }
  assert.equal(remembered, 0);
  await new Promise((resolve) => taken.close(resolve));
  await listeners.listen({ host: '127.0.0.1', port }, certificate);
  assert.equal(remembered, 1, 'the port that listens hears of renewed ones');
});
