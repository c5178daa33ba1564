import type { z } from 'zod';
import { isTable, type KeyPath, valueAt } from './key-path.ts';

/** A schema seen from outside: only what walking and explaining need of zod's definitions. */
export interface SchemaView {
  readonly def: {
    readonly type: string;
    readonly innerType?: SchemaView;
    readonly in?: SchemaView;
    readonly element?: SchemaView;
    readonly shape?: Readonly<Record<string, SchemaView>>;
    readonly checks?: readonly { readonly _zod: { readonly def: BoundCheck } }[];
  };
}

/** A bound of a number. */
interface BoundCheck {
  readonly check: string;
  readonly value?: unknown;
  readonly inclusive?: boolean;
}

/** Without default, optional, transform. */
export function bare(view: SchemaView): SchemaView {
  const inner = view.def.innerType ?? view.def.in;
  return inner ? bare(inner) : view;
}

/** The schema of a whole file, as it is walked. */
export function viewOf(schema: z.ZodType): SchemaView {
  return bare(schema as unknown as SchemaView);
}

/** What the schema says of the value at a path; undefined where it has no such key. */
export function viewAt(schema: z.ZodType, path: KeyPath): SchemaView | undefined {
  let view: SchemaView | undefined = viewOf(schema);
  for (const part of path) {
    const next: SchemaView | undefined = typeof part === 'number' ? view?.def.element : view?.def.shape?.[part];
    view = next && bare(next);
  }
  return view;
}

/** Names of the keys that the schema has at the path. */
export function keysAt(schema: z.ZodType, path: KeyPath): string[] {
  return Object.keys(viewAt(schema, path)?.def.shape ?? {});
}

/** All keys of the schema that hold a value, tables taken apart: `http.bind`, `cameras[].url`. */
export function leafKeys(schema: z.ZodType): string[] {
  return walk(viewOf(schema), '').flatMap(({ key, isLeaf }) => (isLeaf ? [key] : []));
}

/** All keys of the schema: those of `leafKeys`, and the tables and lists of tables around them. */
export function allKeys(schema: z.ZodType): string[] {
  return walk(viewOf(schema), '').map(({ key }) => key);
}

function walk(view: SchemaView, key: string): { key: string; isLeaf: boolean }[] {
  const { element, shape = element && bare(element).def.shape } = bare(view).def;
  if (!shape) return [{ key, isLeaf: true }];
  const prefix = key === '' ? '' : `${key}${element ? '[]' : ''}.`;
  const inner = Object.entries(shape).flatMap(([name, one]) => walk(one, `${prefix}${name}`));
  return key === '' ? inner : [{ key, isLeaf: false }, ...inner];
}

/** The range of a number in words, `1 to 65535`; undefined where the schema sets none. */
export function rangeOf(view: SchemaView | undefined): string | undefined {
  let [min, max]: [string | undefined, string | undefined] = [undefined, undefined];
  for (const { _zod } of view?.def.checks ?? []) {
    const { check, value, inclusive } = _zod.def;
    if (check === 'greater_than') min = inclusive ? String(value) : `more than ${value}`;
    if (check === 'less_than') max = inclusive ? String(value) : `less than ${value}`;
  }
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return min.startsWith('more') ? min : `at least ${min}`;
  return max === undefined || max.startsWith('less') ? max : `at most ${max}`;
}

/** Makes numbers, `true` and `false` of what came from the environment, where the schema wants such: variables are text. */
export function coerceInserted(root: Record<string, unknown>, schema: z.ZodType, paths: readonly KeyPath[]): void {
  for (const path of paths) {
    const parent = valueAt(root, path.slice(0, -1));
    const key = path.at(-1)!;
    const text = valueAt(root, path);
    if (!isTable(parent) || typeof text !== 'string') continue;
    const type = viewAt(schema, path)?.def.type;
    if (type === 'number' && text.trim() !== '' && Number.isFinite(Number(text))) parent[key] = Number(text);
    if (type === 'boolean' && (text === 'true' || text === 'false')) parent[key] = text === 'true';
  }
}

/** Puts an empty section or list where a document says `null`, as YAML does for a section whose keys are all comments. */
export function fillEmptySections(value: unknown, schema: z.ZodType): void {
  const fill = (inner: unknown, view: SchemaView): void => {
    const { shape, element } = bare(view).def;
    if (Array.isArray(inner) && element) for (const one of inner) fill(one, element);
    if (!isTable(inner) || !shape) return;
    for (const [key, keyView] of Object.entries(shape)) {
      const { type } = bare(keyView).def;
      if (inner[key] === null && type === 'object') inner[key] = {};
      else if (inner[key] === null && type === 'array') inner[key] = [];
      else fill(inner[key], keyView);
    }
  };
  fill(value, viewOf(schema));
}
