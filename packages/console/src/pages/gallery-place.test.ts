import assert from 'node:assert/strict';
import { test } from 'node:test';
import { galleryAddress, readGalleryPlace } from './gallery-place.ts';

const read = (query: string) => readGalleryPlace(new URLSearchParams(query));

test('an address brings back the day and the interval that it was made of', () => {
  for (const place of [
    { day: { year: 2026, month: 2, day: 9 }, interval: 60 },
    { day: null, interval: 3600 },
  ]) {
    const address = new URL(galleryAddress('gate', place), 'http://watchpost');
    assert.equal(address.pathname, '/streams/gate/pictures');
    assert.deepEqual(readGalleryPlace(address.searchParams), place);
  }
});

test('what an address says wrongly counts as not said', () => {
  for (const query of ['', 'day=2026-02-30&interval=61', 'day=today', 'day=2026-13-01&interval=-1'])
    assert.deepEqual(read(query), { day: null, interval: 600 }, query);
});
