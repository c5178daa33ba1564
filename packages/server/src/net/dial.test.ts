import assert from 'node:assert/strict';
import dns from 'node:dns';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { dialTcp } from './dial.ts';

function listen(onConnection: Parameters<typeof createServer>[1]): Promise<{ port: number; close(): void }> {
  const server = createServer(onConnection as never);
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      assert(address !== null && typeof address === 'object');
      resolve({ port: address.port, close: () => server.close() });
    }),
  );
}

test('reads reach the caller in a shared buffer, in order', async () => {
  const server = await listen(((socket: import('node:net').Socket) => socket.end('hello')) as never);
  let text = '';
  const socket = await dialTcp({
    host: '127.0.0.1',
    port: server.port,
    onRead: (bytes, buffer) => {
      text += new TextDecoder().decode(buffer.subarray(0, bytes));
    },
  });
  await new Promise((resolve) => socket.once('close', resolve));
  server.close();
  assert.equal(text, 'hello');
});

test('a refused port and an unknown host are different errors, each with a cure', async () => {
  const server = await listen(undefined as never);
  server.close();
  await assert.rejects(dialTcp({ host: '127.0.0.1', port: server.port }), {
    kind: 'unavailable',
    code: 'DIAL_REFUSED',
    message: /nothing listens/,
  });
  await assert.rejects(dialTcp({ host: 'no-such-host.invalid', port: 1 }), {
    kind: 'unavailable',
    code: 'DIAL_UNKNOWN_HOST',
    message: /spelling|DNS/,
  });
});

test('where DNS does not answer in time, the name is at fault and not the camera', async (context) => {
  context.mock.method(dns, 'lookup', () => {});
  await assert.rejects(dialTcp({ host: 'gate.example', port: 554, timeoutMs: 20 }), {
    kind: 'timeout',
    code: 'DIAL_LOOKUP_TIMEOUT',
    message: 'The name "gate.example" was not looked up within 0.02 s — check DNS, or use the IP address',
  });
});

test('an aborted signal ends a dial with its reason', async () => {
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await assert.rejects(dialTcp({ host: '127.0.0.1', port: 1, signal: controller.signal }), /enough/);
});
