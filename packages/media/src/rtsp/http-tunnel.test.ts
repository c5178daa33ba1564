import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Base64Stream, parseTunnelHead, sniffTunnel } from './http-tunnel.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const beginnings: readonly (readonly [string, ReturnType<typeof sniffTunnel>])[] = [
  ['', undefined],
  ['G', undefined],
  ['GET', undefined],
  ['GET /live/gate HTTP/1.0', 'http'],
  ['GET_PARAMETER rtsp://x RTSP/1.0', 'rtsp'],
  ['P', undefined],
  ['PO', undefined],
  ['POST /x', 'http'],
  ['PLAY rtsp://x', 'rtsp'],
  ['OPTIONS', 'rtsp'],
  ['$', 'rtsp'],
];
for (const [text, kind] of beginnings)
  test(`"${text}" begins ${kind ?? 'either'}`, () => assert.equal(sniffTunnel(bytes(text)), kind));

test('the head of a half names the tunnel, whatever the case of its headers', () => {
  const head = 'POST /live/gate HTTP/1.1\r\nHost: x\r\nX-SessionCookie: abc+1/=\r\nContent-Length: 32767\r\n\r\nT1BU';
  assert.equal(parseTunnelHead(bytes(head.slice(0, -5))), undefined);
  assert.deepEqual(parseTunnelHead(bytes(head)), { method: 'POST', cookie: 'abc+1/=', end: head.length - 4 });
  assert.equal(parseTunnelHead(bytes('GET / HTTP/1.1\r\nHost: x\r\n\r\n'))?.cookie, undefined);
});

test('a head that never ends, or is none, is refused', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n'.padEnd(9000, 'x'),
    'GET /\r\n\r\n',
    `GET / HTTP/1.0\r\nx-sessioncookie: ${'c'.repeat(300)}\r\n\r\n`,
  ])
    assert.throws(() => parseTunnelHead(bytes(text)), { code: 'RTSP_TUNNEL_MALFORMED' });
});

test('Base64 is decoded however it is cut, padding within the stream included', () => {
  const messages = ['OPTIONS * RTSP/1.0\r\n', 'a', 'ab', 'abc', '\xff\x00$'];
  const wire = messages.map((message) => btoa(message)).join('\r\n');
  for (let size = 1; size < 9; size++) {
    const stream = new Base64Stream();
    let text = '';
    for (let at = 0; at < wire.length; at += size)
      text += String.fromCharCode(...stream.decode(bytes(wire.slice(at, at + size))));
    assert.equal(text, messages.join(''), `pieces of ${size}`);
  }
});

test('what is no Base64 is refused', () => {
  for (const text of ['OPTIONS rtsp://x', 'QQ-_', 'Q===']) assert.throws(() => new Base64Stream().decode(bytes(text)));
});
