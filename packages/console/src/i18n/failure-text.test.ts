import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toProblem } from '../api/problem.ts';
import type { EventRecord } from '../api/types.ts';
import { eventDetail } from './event-text.ts';
import { problemText, reasonText } from './failure-text.ts';
import { createFormats } from './formats.ts';
import type { Language } from './messages.ts';
import { pageMessages } from './page-messages.ts';
import { addMessages, translate } from './translate.ts';

addMessages(pageMessages);

const speaking = (language: Language) => ({
  language,
  formats: createFormats(language, 'UTC'),
  t: (key: Parameters<typeof translate>[1], values = {}) => translate(language, key, values),
});

const refused = { kind: 'unavailable', code: 'DIAL_REFUSED', message: '192.0.2.1 refused port 554 — check the port' };

test("the next step is the server's sentence in English, and words of ours in other languages", () => {
  assert.deepEqual(reasonText(speaking('en'), refused), {
    headline: 'The camera refused the connection',
    detail: refused.message,
  });
  const { headline, detail } = reasonText(speaking('ru'), refused);
  assert.equal(headline, 'Камера отказала в подключении');
  assert.match(detail, /^Проверьте/);
});

test('a failure that has no step of its own keeps what the server says of it', () => {
  const other = { kind: 'unavailable', code: 'SOURCE_ENDED', message: 'The camera ended the stream' };
  assert.equal(reasonText(speaking('zh'), other).detail, other.message);
});

test('an answer of a proxy, which is no problem document, has words for its status', () => {
  for (const status of [401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504]) {
    const { headline } = problemText(speaking('en').t, toProblem(status, null));
    assert.doesNotMatch(headline, /HTTP/, String(status));
  }
});

const event: EventRecord = {
  ...{ id: 1, at: '2026-11-21T22:00:00.000Z', type: 'stream.offline', level: 'warning', stream_id: 'gate' },
  ...{ reason: 'DIAL_REFUSED', message: refused.message, data: { kind: 'unavailable' } },
};
const details: readonly [string, Partial<EventRecord>, Language, string][] = [
  ['in English', {}, 'en', refused.message],
  ['by the code of its reason', {}, 'zh', '摄像头拒绝连接'],
  ['by the kind of its reason', { reason: 'X', data: { kind: 'timeout' } }, 'ru', 'Нет ответа вовремя'],
  ['by the reason of a gap', { type: 'recording.gap', reason: 'shutdown', data: {} }, 'ru', 'Сервер был остановлен'],
  ['by nothing more than its headline', { type: 'stream.added', reason: null, data: {} }, 'ru', ''],
  [
    'by whom and whence it names',
    { type: 'auth.login_failed', reason: null, data: { user: 'eve', address: '192.0.2.9' } },
    ...(['ru', 'eve · 192.0.2.9'] as const),
  ],
  [
    'by where it went and why that failed',
    { type: 'webhook.failing', reason: null, data: { url: 'http://192.0.2.8/', why: 'ECONNREFUSED', waiting: 6 } },
    ...(['zh', 'http://192.0.2.8/ · ECONNREFUSED'] as const),
  ],
  ['by the server where there are no words', { type: 'x.y', reason: null, data: {} }, 'ru', refused.message],
];
for (const [how, change, language, expected] of details) {
  test(`an event is explained ${how}`, () => {
    assert.equal(eventDetail(speaking(language), { ...event, ...change }), expected);
  });
}
