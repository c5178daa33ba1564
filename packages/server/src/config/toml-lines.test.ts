import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import { locateTomlKeys } from './toml-lines.ts';

const document = `# comment = 1
a = 1 # b = 2
"quoted key" = 'x = "1"'
text = """
no = 1
[nor.this]
\\""" still
"""
literal = '''
it's ] }
'''''
date = 2026-01-02T03:04:05Z
list = [
  1, # one
  "two",
  [3, 4], { in = 5,
  line = 6 },
]
inline = { x = { y = 1 }, "z z".w = 2 }
dotted.key.deep = true

[table]
a = 1
[table.inner]
b = 2
[[rows]]
c = 1
[[rows.sub]]
d = 1
[[rows.sub]]
d = 2
[rows.sub.more]
e = 3
[[rows]]
c = 2
`;

test('every key of a document is found on its line', () => {
  const lines = locateTomlKeys(document);
  const expected: [key: string, line: number][] = [
    ['a', 2],
    ['quoted key', 3],
    ['text', 4],
    ['literal', 9],
    ['date', 12],
    ['list', 13],
    ['list[1]', 15],
    ['list[2]', 16],
    ['list[2][1]', 16],
    ['list[3].in', 16],
    ['list[3].line', 17],
    ['inline.x.y', 19],
    ['inline.z z.w', 19],
    ['dotted', 20],
    ['dotted.key.deep', 20],
    ['table', 22],
    ['table.a', 23],
    ['table.inner.b', 25],
    ['rows', 26],
    ['rows[0].c', 27],
    ['rows[0].sub[0].d', 29],
    ['rows[0].sub[1].d', 31],
    ['rows[0].sub[1].more.e', 33],
    ['rows[1]', 34],
    ['rows[1].c', 35],
  ];
  assert.deepEqual(
    expected.map(([key]) => [key, lines.get(key)]),
    expected,
  );
});

test('it finds exactly the keys that the parser finds', () => {
  const keys: string[] = [];
  const walk = (value: unknown, path: KeyPath) => {
    if (path.length > 0) keys.push(formatKeyPath(path));
    if (Array.isArray(value)) for (const [i, inner] of value.entries()) walk(inner, [...path, i]);
    else if (typeof value === 'object' && value !== null && !(value instanceof Date))
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  walk(parse(document), []);
  assert.deepEqual([...locateTomlKeys(document).keys()].sort(), keys.sort());
});
