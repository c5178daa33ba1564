import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headerOf, parseRtspMessage, rtspLimits, sessionOf, writeRtspRequest, writeRtspResponse } from './message.ts';

const text = (value: string) => new TextEncoder().encode(value);
const parse = (value: string) => parseRtspMessage(text(value), 0, text(value).length);

test('parse(write(x)) equals x for requests and responses', () => {
  const body = text('a: b\r\n');
  const headers = [
    ['CSeq', '7'],
    ['Session', 'ab;timeout=60'],
    ['Content-Length', '6'],
  ] as const;
  const request = { method: 'SET_PARAMETER', url: 'rtsp://192.0.2.1/a?b=c', headers, body };
  const bytes = writeRtspRequest(request);
  assert.deepEqual(parseRtspMessage(bytes, 0, bytes.length), { request, end: bytes.length });
  const response = { status: 454, reason: 'Session Not Found', headers, body };
  const answer = writeRtspResponse(response);
  assert.deepEqual(parseRtspMessage(answer, 0, answer.length), { response, end: answer.length });
});

test('CSeq is written exactly so, for cameras that compare byte by byte', () => {
  const bytes = writeRtspRequest({ method: 'OPTIONS', url: '*', headers: [['CSeq', '1']] });
  assert.equal(new TextDecoder().decode(bytes), 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
});

test('every proper prefix of a message is incomplete', () => {
  const whole = 'RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nabc';
  for (let i = 0; i < whole.length; i++) assert.equal(typeof parse(whole.slice(0, i)), 'number', `${i} bytes`);
  assert.equal(typeof parse(whole), 'object');
});

test('header names have no case, lines may end in LF, a line may go on in the next', () => {
  const parsed = parse('RTSP/1.0 200 OK\ncseq: 1\nX-Long: a\n b\n\n');
  assert.ok(typeof parsed === 'object' && parsed.response);
  assert.equal(headerOf(parsed.response, 'CSeq'), '1');
  assert.equal(headerOf(parsed.response, 'x-long'), 'a b');
});

test('a realm that is not UTF-8 is read byte by byte', () => {
  const bytes = text('RTSP/1.0 401 U\r\nWWW-Authenticate: Basic realm="?"\r\n\r\n');
  bytes[bytes.indexOf(0x3f)] = 0xe9;
  const parsed = parseRtspMessage(bytes, 0, bytes.length);
  assert.ok(typeof parsed === 'object' && parsed.response);
  assert.equal(headerOf(parsed.response, 'WWW-Authenticate'), 'Basic realm="é"');
});

test('limits are errors that name the limit', () => {
  const cases: [string, string][] = [
    ['headers', `RTSP/1.0 200 OK\r\n${'a: b\r\n'.repeat(rtspLimits.headers + 1)}\r\n`],
    ['name', `RTSP/1.0 200 OK\r\n${'n'.repeat(rtspLimits.nameBytes + 1)}: b\r\n\r\n`],
    ['value', `RTSP/1.0 200 OK\r\na: ${'v'.repeat(rtspLimits.valueBytes + 1)}\r\n\r\n`],
    ['folded value', `RTSP/1.0 200 OK\r\na: b\r\n${` ${'v'.repeat(1000)}\r\n`.repeat(17)}\r\n`],
    ['body', `RTSP/1.0 200 OK\r\nContent-Length: ${rtspLimits.bodyBytes + 1}\r\n\r\n`],
    ['head', 'x'.repeat(rtspLimits.headBytes + 1)],
    ['url', `OPTIONS rtsp://${'u'.repeat(rtspLimits.firstLineBytes)} RTSP/1.0\r\n\r\n`],
  ];
  for (const [name, message] of cases) assert.throws(() => parse(message), { code: 'RTSP_MESSAGE_TOO_LARGE' }, name);
});

test('what is no message is malformed', () => {
  for (const message of [
    'HTTP/1.1 200 OK\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'RTSP/1.0 200 OK\r\nno colon\r\n\r\n',
    'RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n',
  ])
    assert.throws(() => parse(message), { kind: 'malformed', code: 'RTSP_MESSAGE_MALFORMED' }, message);
});

test('a header that would smuggle a line is not written', () => {
  assert.throws(() => writeRtspRequest({ method: 'OPTIONS', url: '*', headers: [['A', 'b\r\nC: d']] }), {
    kind: 'malformed',
  });
});

test('the session id is without its parameters', () => {
  const cases: [string, ReturnType<typeof sessionOf>][] = [
    ['12345678;timeout=60', { id: '12345678', timeoutMs: 60_000 }],
    ['ab ; timeout = 20', { id: 'ab', timeoutMs: 20_000 }],
    ['0x1F', { id: '0x1F' }],
    ['ab;timeout=0', { id: 'ab' }],
    ['', undefined],
  ];
  for (const [value, expected] of cases)
    assert.deepEqual(sessionOf({ headers: [['Session', value]] }), expected, value);
});
