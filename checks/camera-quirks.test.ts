import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repositoryFiles, textOf } from './source-files.ts';

const page = 'docs/design/camera-quirks.md';

test('each quirk of a camera names a file that answers it and a test that exists', () => {
  const files = repositoryFiles();
  const named = (name: string) => files.filter((file) => file === name || file.endsWith(`/${name}`));
  let rows = 0;
  for (const line of textOf(page).split('\n')) {
    const cells = line.split('|').map((cell) => cell.trim());
    if (cells.length !== 6 || cells[1]!.startsWith('---') || cells[4] === 'test') continue;
    rows++;
    for (const [, file] of cells[3]!.matchAll(/`([^`]+)`/g)) assert.ok(named(file!).length > 0, `${file}: ${line}`);
    const [, file, words] = /^`([^`]+)` (.+)$/.exec(cells[4]!) ?? [];
    assert.ok(file !== undefined && words !== undefined, line);
    assert.ok(
      named(file).some((path) => textOf(path).includes(words)),
      `no "${words}" in ${file}`,
    );
  }
  assert.ok(rows > 50, `${rows} rows`);
});
