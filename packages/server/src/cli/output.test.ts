import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { createLogger } from './logger.ts';
import { alignTable, textWidth } from './table.ts';

function logged(format: 'pretty' | 'json', verbose = false) {
  const lines: string[] = [];
  const now = () => Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  return { lines, logger: createLogger({ format, verbose, colour: false, write: (line) => lines.push(line), now }) };
}

test('a message for people is one line, whatever the fields hold', () => {
  const { lines, logger } = logged('pretty');
  logger.child({ stream: 'gate' }).warn('Camera lost', { reason: 'a\nb\x1b[2J', seconds: 5, nothing: undefined });
  logger.debug('not shown');
  assert.deepEqual(lines, ['2026-01-02 03:04:05.006 WARN  Camera lost  stream=gate reason="a b [2J" seconds=5\n']);
});

test('a message for programs is one JSON object', () => {
  const { lines, logger } = logged('json', true);
  logger.child({ stream: 'gate' }).debug('Request', { seconds: 5 });
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    [{ level: 'debug', time: '2026-01-02T03:04:05.006Z', stream: 'gate', seconds: 5, message: 'Request' }],
  );
});

test('no secret reaches the log', () => {
  for (const format of ['pretty', 'json'] as const) {
    const { lines, logger } = logged(format);
    const error = new WatchpostError('refused', { kind: 'unavailable', code: 'DIAL_REFUSED', context: { port: 1 } });
    logger.error('x', { password: 's3cret', url: 'rtsp://a:s3cret@h/x', token: 's3cret', error });
    assert.doesNotMatch(lines.join(''), /s3cret/);
    assert.match(lines.join(''), /DIAL_REFUSED/);
  }
});

test('columns line up, with wide characters too', () => {
  assert.deepEqual(
    alignTable([
      ['a', 'b', 'c'],
      ['门', 'long', ''],
      ['ворота', '', 'x'],
    ]),
    ['a       b     c', '门      long', 'ворота        x'],
  );
  assert.deepEqual(['abc', '大门', '✔', 'é'].map(textWidth), [3, 4, 1, 1]);
});
