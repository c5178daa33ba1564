import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFormats } from '../i18n/formats.ts';
import { framesByHour } from './gallery-hours.ts';

const frames = ['00:58:00', '00:59:00', '01:00:00', '01:59:00', '02:00:00'].map((time) => ({
  time: `2026-10-25T${time}Z`,
}));
const clockOf = (language: 'en' | 'ru') => createFormats(language, 'Europe/Berlin').clock;

test('pictures stand under their hours; the hour that comes twice when summer time ends stands twice', () => {
  for (const language of ['en', 'ru'] as const) {
    const hours = framesByHour(frames, clockOf(language));
    assert.deepEqual(
      hours.map(({ hour, frames }) => [hour, frames.length]),
      [
        ['02:00', 2],
        ['02:00', 2],
        ['03:00', 1],
      ],
    );
  }
});

test('where the clock is not told all pictures stand together', () => {
  assert.deepEqual(
    framesByHour(frames, () => ''),
    [{ hour: '', frames }],
  );
});
