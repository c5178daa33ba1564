import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf } from './imports.ts';
import { sourceFiles } from './source-files.ts';

/**
 * Files that all reach each other, in groups of two and more: the strongly connected components of a graph (Tarjan 1972).
 * `next` tells what a file imports.
 */
export function circles(files: readonly string[], next: (file: string) => readonly string[]): string[][] {
  const known = new Set(files);
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string) => {
    order.set(file, order.size);
    lowest.set(file, order.get(file)!);
    stack.push(file);
    for (const other of next(file)) {
      if (!known.has(other)) continue;
      if (!order.has(other)) visit(other);
      if (stack.includes(other)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(other)!));
    }
    if (lowest.get(file) !== order.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const file of files) if (!order.has(file)) visit(file);
  return found;
}

test('no file needs what needs it, when the program runs', () => {
  const files = sourceFiles();
  assert.ok(files.length > 1000, 'sources were found');
  assert.deepEqual(
    circles(files, (file) =>
      importsOf(file)
        .filter(({ typeOnly }) => !typeOnly)
        .map(({ to }) => to),
    ),
    [],
  );
});

test('a circle is found, however long, and a diamond is none', () => {
  const graph: Record<string, string[]> = {
    a: ['b', 'c'],
    b: ['d'],
    c: ['d'],
    d: [],
    e: ['f'],
    f: ['g'],
    g: ['e', 'a'],
  };
  assert.deepEqual(
    circles(Object.keys(graph), (file) => graph[file]!),
    [['e', 'f', 'g']],
  );
});
