import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSourceUrl, redactUrl } from './source-url.ts';

const cases: [
  text: string,
  parts: { host: string; port?: number; path: string; username?: string; password?: string },
][] = [
  ['rtsp://192.0.2.1', { host: '192.0.2.1', path: '/' }],
  ['rtsp://192.0.2.1:554/a?b=1#c', { host: '192.0.2.1', port: 554, path: '/a?b=1#c' }],
  ['rtsp://cam.example/a', { host: 'cam.example', path: '/a' }],
  ['rtsp://[2001:db8::1]:554/a', { host: '2001:db8::1', port: 554, path: '/a' }],
  ['rtsp://cam.example?x=1', { host: 'cam.example', path: '/?x=1' }],
  ['rtsp://admin@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'admin' }],
  ['rtsp://admin:secret@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'admin', password: 'secret' }],
  ['rtsp://admin:@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'admin', password: '' }],
  ['rtsp://a:p#1@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'p#1' }],
  ['rtsp://a:p/1@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'p/1' }],
  ['rtsp://a:p?1@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'p?1' }],
  ['rtsp://a:p@1@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'p@1' }],
  ['rtsp://a:p:1@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'p:1' }],
  ['rtsp://a:100%@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: '100%' }],
  ['rtsp://a:p%401@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'p@1' }],
  ['rtsp://a:%D0%9F@192.0.2.1/a', { host: '192.0.2.1', path: '/a', username: 'a', password: 'П' }],
  ['rtsp://192.0.2.1/user@home', { host: '192.0.2.1', path: '/user@home' }],
  ['rtsp://192.0.2.1/a?mail=x@example.org', { host: '192.0.2.1', path: '/a?mail=x@example.org' }],
  ['rtsp://192.0.2.1:554/user=admin_password=x@y', { host: '192.0.2.1', port: 554, path: '/user=admin_password=x@y' }],
  ['test:clock', { host: '', path: 'clock' }],
  ['file:a b.mp4', { host: '', path: 'a b.mp4' }],
  ['file:///srv/a.mp4', { host: '', path: '/srv/a.mp4' }],
];

for (const [text, parts] of cases) {
  test(`reads ${text}`, () => {
    const { scheme, url, ...rest } = parseSourceUrl(text);
    assert.equal(scheme, text.slice(0, text.indexOf(':')));
    assert.deepEqual(rest, parts);
    if (parts.password) assert.ok(!url.includes(parts.password), 'no password in the address');
  });
}

test('credentials of their own keys win over those in the address', () => {
  const source = parseSourceUrl('rtsp://a:b@192.0.2.1/x', { username: 'c', password: 'd#/@' });
  assert.deepEqual([source.username, source.password, source.url], ['c', 'd#/@', 'rtsp://192.0.2.1/x']);
});

test('what is not an address is refused with the cure', () => {
  const wrong: [string, RegExp][] = [
    ['rtsp//192.0.2.1/x', /did you mean "rtsp:\/\/192\.0\.2\.1\/x"/],
    ['192.0.2.1/x', /write it as "rtsp:\/\/HOST\/PATH"/],
    ['rtsp://', /host or port/],
    ['rtsp://h:99999/x', /99999 is not between/],
    ['rtsp://h:0/x', /0 is not between/],
    ['rtsp://a b/x', /host or port/],
  ];
  for (const [text, message] of wrong)
    assert.throws(() => parseSourceUrl(text), { code: 'URL_INVALID', message }, text);
});

test('no password survives redaction, also in an address that cannot be read', () => {
  const secrets: [string, string][] = [
    ['rtsp://admin:s3cret@192.0.2.1/a', 'rtsp://***@192.0.2.1/a'],
    ['rtsp://admin:s3#c/r?t@192.0.2.1/a', 'rtsp://***@192.0.2.1/a'],
    ['http://192.0.2.1/a?token=s3cret&x=1', 'http://192.0.2.1/a?token=***&x=1'],
    ['rtsp://192.0.2.1/a', 'rtsp://192.0.2.1/a'],
    ['test:clock', 'test:clock'],
  ];
  for (const [text, shown] of secrets) assert.equal(redactUrl(text), shown);
  assert.throws(
    () => parseSourceUrl('rtsp://admin:s3cret@192.0.2.1:99999/a'),
    (error: Error) => !error.message.includes('s3cret'),
  );
});
