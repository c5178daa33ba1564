import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gap } from '../api/types.ts';
import { readTimeline, untilNow } from './read-timeline.ts';

const gap = (start: string, end: string | null): Gap => ({ start, end, reason: 'not_scheduled', detail: null });
const ms = (text: string) => Date.parse(text);
const day = { startMs: ms('2026-10-25T00:00:00Z'), endMs: ms('2026-10-26T00:00:00Z') };

test('a gap that goes on ends at the present of the server, those that are over where they ended', () => {
  const over = gap('2026-10-25T00:57:00Z', '2026-10-25T00:58:00Z');
  const open = gap('2026-10-25T01:00:00Z', null);
  const { spans, gaps } = readTimeline(
    { stream_id: 'gate', spans: [{ start: over.start, end: open.start }], gaps: [over, open] },
    day,
  );
  assert.deepEqual(spans, [{ startMs: ms(over.start), endMs: ms(open.start) }]);
  const ends = (nowMs: number) => untilNow(gaps, nowMs).map(({ endMs }) => endMs);
  const now = ms('2026-10-25T01:02:00Z');
  assert.deepEqual(ends(now), [ms('2026-10-25T00:58:00Z'), now]);
  assert.deepEqual(ends(now + 1000), [ms('2026-10-25T00:58:00Z'), now + 1000]);
  assert.deepEqual(ends(ms('2026-11-23T02:45:00Z')), [ms('2026-10-25T00:58:00Z'), day.endMs]);
});
