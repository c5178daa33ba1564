import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBind, parseBind } from './bind-address.ts';
import { listeningInodes } from './port-holder.ts';

const good: readonly [text: string, host: string, port: number][] = [
  ['0.0.0.0:8080', '0.0.0.0', 8080],
  ['[::]:8080', '::', 8080],
  ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
  ['localhost:0', 'localhost', 0],
];

for (const [text, host, port] of good)
  test(`"${text}" is read, and written the same`, () => {
    assert.deepEqual(parseBind(text), { host, port });
    assert.equal(formatBind({ host, port }), text);
  });

test('without a host all addresses are meant', () => {
  assert.deepEqual(parseBind(':80'), { host: '0.0.0.0', port: 80 });
});

for (const text of ['', '8080', '0.0.0.0', '::8080', '0.0.0.0:65536', '0.0.0.0:-1', 'a b:80', '[::]8080'])
  test(`"${text}" is not an address to listen on`, () => {
    assert.throws(() => parseBind(text), { code: 'BIND_INVALID' });
  });

test('only listening sockets of the port are found in the table of the kernel', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:8888 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0000 20 4 30 10 -1
   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0000 100 0 0 10 0`;
  assert.deepEqual(listeningInodes(table, 8080), ['4242']);
});
