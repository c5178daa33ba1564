import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptOf, readAnswerHead, writeUpgrade, wrongInUpgrade } from './upgrade.ts';

// RFC 6455 §1.3.
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const request = { url: new URL('wss://watch.example:8443/tunnel?x=1'), key, protocols: ['watchpost-tunnel'] };
const answer = {
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Accept': accept,
  'Sec-WebSocket-Protocol': 'watchpost-tunnel',
};
const head = (headers: object) =>
  readAnswerHead(
    ['HTTP/1.1 101 Switching Protocols', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join(
      '\r\n',
    ),
  );

test('a request names host, path, key and subprotocol', () => {
  assert.equal(acceptOf(key), accept);
  assert.equal(
    writeUpgrade(request),
    'GET /tunnel?x=1 HTTP/1.1\r\nHost: watch.example:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: watchpost-tunnel\r\n\r\n`,
  );
  assert.doesNotMatch(writeUpgrade({ ...request, protocols: [] }), /Protocol/);
});

test('an answer is right only with all that the RFC asks for', () => {
  assert.equal(wrongInUpgrade(head(answer), request), undefined);
  const loose = { ...answer, Upgrade: 'WebSocket', Connection: 'keep-alive, upgrade' };
  assert.equal(wrongInUpgrade(head(loose), request), undefined);
  const { 'Sec-WebSocket-Protocol': _, ...silent } = answer;
  assert.equal(wrongInUpgrade(head(silent), { ...request, protocols: [] }), undefined);
  const cases: [headers: object, protocols: string[], wrong: RegExp][] = [
    [{ ...answer, Upgrade: 'h2c' }, request.protocols, /another protocol/],
    [{ ...answer, Connection: 'upgrades' }, request.protocols, /Connection/],
    [{ ...answer, 'Sec-WebSocket-Accept': acceptOf('other') }, request.protocols, /Accept/],
    [{ ...answer, 'Sec-WebSocket-Extensions': 'permessage-deflate' }, request.protocols, /extension/],
    [{ ...answer, 'Sec-WebSocket-Protocol': 'chat' }, request.protocols, /speaks chat/],
    [silent, request.protocols, /speaks none/],
    [answer, [], /speaks watchpost-tunnel/],
  ];
  for (const [headers, protocols, wrong] of cases)
    assert.match(wrongInUpgrade(head(headers), { ...request, protocols }) ?? '', wrong);
});

test('the head of an answer is read: its status, and headers whatever their letters', () => {
  const { status, headers } = readAnswerHead('HTTP/1.0 503 Busy\r\nRETRY-After:10 \r\nVia: a\r\nvia: b\r\nnonsense');
  assert.equal(status, 503);
  assert.deepEqual(
    [...headers],
    [
      ['retry-after', '10'],
      ['via', 'a, b'],
    ],
  );
  for (const text of ['', 'SSH-2.0-OpenSSH', 'HTTP/2 200', 'HTTP/1.1 20']) assert.equal(readAnswerHead(text).status, 0);
});
