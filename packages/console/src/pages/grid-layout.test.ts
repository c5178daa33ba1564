import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GridLayout, type GridSize, layOutGrid, moveFocus } from './grid-layout.ts';

const desktop = { width: 1240, height: 740 };
const phone = { width: 390, height: 700 };
const cases: readonly [string, GridSize, number, typeof desktop, GridLayout][] = [
  ['one camera fills the window', 'auto', 1, desktop, { columns: 1, rows: 1, perPage: 1 }],
  ['two cameras lie side by side', 'auto', 2, desktop, { columns: 2, rows: 1, perPage: 2 }],
  ['four cameras are a square', 'auto', 4, desktop, { columns: 2, rows: 2, perPage: 4 }],
  ['nine cameras are three by three', 'auto', 9, desktop, { columns: 3, rows: 3, perPage: 9 }],
  ['forty cameras scroll rather than shrink', 'auto', 40, desktop, { columns: 4, rows: null, perPage: 40 }],
  ['a phone has one column', 'auto', 9, phone, { columns: 1, rows: null, perPage: 9 }],
  ['a chosen size holds on a desktop', '9', 2, desktop, { columns: 3, rows: 3, perPage: 9 }],
  ['sixteen are two columns on a phone', '16', 16, phone, { columns: 2, rows: null, perPage: 16 }],
  ['no camera at all is no division by zero', 'auto', 0, desktop, { columns: 1, rows: 1, perPage: 1 }],
];
for (const [name, size, tiles, area, expected] of cases) {
  test(name, () => assert.deepEqual(layOutGrid(size, tiles, area), expected));
}

test('arrows move between tiles and stop at the edges', () => {
  const grid = { columns: 3, count: 8 };
  assert.equal(moveFocus(0, 'ArrowRight', grid), 1);
  assert.equal(moveFocus(1, 'ArrowDown', grid), 4);
  assert.equal(moveFocus(4, 'ArrowUp', grid), 1);
  assert.equal(moveFocus(7, 'ArrowRight', grid), 7);
  assert.equal(moveFocus(6, 'ArrowDown', grid), 6);
  assert.equal(moveFocus(0, 'ArrowUp', grid), 0);
});
