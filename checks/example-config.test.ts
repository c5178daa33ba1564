import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatConfigMessage, readConfigText } from '../packages/server/src/config/load.ts';
import { configSchema } from '../packages/server/src/config/schema.ts';
import { leafKeys } from '../packages/server/src/config/schema-view.ts';
import { locateTomlKeys } from '../packages/server/src/config/toml-lines.ts';
import { configSections } from '../packages/server/src/registry.ts';
import { textOf } from './source-files.ts';

const EXAMPLE = 'watchpost.example.toml';
const example = textOf(EXAMPLE);
/** With the keys that stand in comments. */
const whole = example.replaceAll(/^# (?=\[\[|[a-z_]+ = )/gm, '');

const read = (text: string) =>
  readConfigText(text, configSections, {
    file: EXAMPLE,
    environment: {
      GATE_PASSWORD: 'x',
      HOOK_SECRET: 'eight letters',
      FLUSSONIC_PASSWORD: 'x',
      WATCHER_API_KEY: 'x',
      VMS_TOKEN: 'x',
    },
  });

test('the example is a configuration without a warning, and means the same as an empty file', () => {
  const { config, errors, warnings } = read(example);
  assert.deepEqual([...errors, ...warnings].map(formatConfigMessage), []);
  assert.deepEqual(config, read('').config);
});

test('what stands in its comments works too', () => {
  // One camera has either url or urls; the folder of the example need not be here.
  const text = whole.replace(/^urls = .*$/m, '').replace('"./media"', '"/"');
  const { config, errors, warnings } = read(text);
  assert.deepEqual([...errors, ...warnings].map(formatConfigMessage), []);
  assert.equal(config?.cameras[0]?.id, 'gate');
  assert.equal(config?.storage.backends[0]?.name, 'disk');
});

test('it has each key of the schema, and no other', () => {
  const written = [...locateTomlKeys(whole).keys()].map((key) => key.replaceAll(/\[\d+\]/g, '[]'));
  const known = leafKeys(configSchema(configSections)).filter((key) => !isEmptySection(key));
  assert.deepEqual(
    known.filter((key) => !written.includes(key)),
    [],
  );
  const tables = new Set(known.flatMap((key) => key.split('.').map((_, i, parts) => parts.slice(0, i).join('.'))));
  const isKnown = (key: string) =>
    known.includes(key.replace(/\[\]$/, '')) || tables.has(key) || tables.has(`${key}[]`);
  assert.deepEqual(
    written.filter((key) => !isKnown(key)),
    [],
  );
});

test('each key has a comment', () => {
  const bare = whole.split('\n').filter((line) => /^[a-z_]+ = /.test(line) && !/\s# \S/.test(line));
  assert.deepEqual(bare, []);
});

test('each key of the schema says what it is', () => {
  const bare: string[] = [];
  walk(configSchema(configSections), '', bare);
  assert.deepEqual(bare, []);
});

/** A protocol that has nothing to set. */
function isEmptySection(key: string): boolean {
  return /^protocols\.(?!enabled)[^.]+$/.test(key);
}

interface Described {
  readonly description?: string | undefined;
  readonly def: {
    readonly innerType?: Described;
    readonly in?: Described;
    readonly element?: Described;
    readonly shape?: Record<string, Described>;
  };
}

/** Collects the keys that hold a value and have no `.describe()`, at any layer of their schema. */
function walk(schema: unknown, key: string, bare: string[]): void {
  let view = schema as Described;
  let isDescribed = false;
  for (;;) {
    isDescribed ||= view.description !== undefined;
    const inner =
      view.def.innerType ??
      view.def.in ??
      (view.def.element?.def.shape || view.def.element?.def.innerType ? view.def.element : undefined);
    if (!inner) break;
    view = inner;
  }
  if (view.def.shape)
    for (const [name, inner] of Object.entries(view.def.shape)) walk(inner, key === '' ? name : `${key}.${name}`, bare);
  else if (!isDescribed) bare.push(key);
}
