import type { z } from 'zod';
import type { ConfigFormat } from './document.ts';
import { isTable, type KeyPath, valueAt } from './key-path.ts';
import { nearest } from './nearest.ts';
import { show } from './values.ts';

/** A schema seen from outside: only what walking and explaining need of zod's definitions. */
interface SchemaView {
  readonly def: {
    readonly type: string;
    readonly innerType?: SchemaView;
    readonly in?: SchemaView;
    readonly element?: SchemaView;
    readonly shape?: Readonly<Record<string, SchemaView>>;
  };
}

/** What is wrong and what to do, in words, for each thing that a schema found; a strict object names each unknown key. */
export function explainIssue(
  issue: z.core.$ZodIssue,
  { schema, root, format }: { schema: z.ZodType; root: unknown; format: ConfigFormat },
): { path: KeyPath; text: string; cure?: string }[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const value = valueAt(root, path);
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      text: 'there is no such key',
      cure: unknownKeyCure(key, known),
    }));
  }
  if (issue.code === 'custom' || (value !== undefined && issue.code === 'invalid_format'))
    return [{ path, text: issue.message }];
  if (value === undefined)
    return [{ path, text: 'is missing', cure: `write ${format.assign(String(path.at(-1)), '…')}` }];
  if (value === null) return [{ path, text: 'is empty', cure: 'write a value, or leave the key out' }];
  const shown = /password|secret|token/.test(String(path.at(-1))) ? 'the value' : show(value);
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String);
    const meant = typeof value === 'string' ? nearest(value, allowed) : undefined;
    const list = `it may be ${allowed.map((word) => `"${word}"`).join(' or ')}`;
    return [
      { path, text: `${shown} is unknown`, cure: meant && meant !== value ? `did you mean "${meant}"? ${list}` : list },
    ];
  }
  if (issue.code === 'invalid_type')
    return [{ path, ...explainType({ expected: issue.expected, value, path, shown }, format) }];
  if (issue.code === 'invalid_union') return [{ path, text: `${shown} must be text or a number` }];
  return [{ path, text: `${shown}: ${issue.message}` }];
}

/** Names of the keys that the schema has at the path. */
export function keysAt(schema: z.ZodType, path: KeyPath): string[] {
  let view: SchemaView | undefined = bare(schema as unknown as SchemaView);
  for (const part of path) {
    const next: SchemaView | undefined = typeof part === 'number' ? view?.def.element : view?.def.shape?.[part];
    view = next && bare(next);
  }
  return Object.keys(view?.def.shape ?? {});
}

/** All keys of the schema that hold a value, tables taken apart: `http.bind`, `cameras[].url`. */
export function leafKeys(schema: z.ZodType): string[] {
  const walk = (view: SchemaView, prefix: string): string[] => {
    const { def } = bare(view);
    const element = def.element && bare(def.element);
    if (element?.def.shape) return walk(element, `${prefix}[]`);
    if (!def.shape) return [prefix];
    return Object.entries(def.shape).flatMap(([key, inner]) => walk(inner, prefix === '' ? key : `${prefix}.${key}`));
  };
  return walk(schema as unknown as SchemaView, '');
}

/** Puts an empty section or list where a document says `null`, as YAML does for a section whose keys are all comments. */
export function fillEmptySections(value: unknown, schema: z.ZodType): void {
  const walk = (inner: unknown, view: SchemaView): void => {
    const { shape, element } = bare(view).def;
    if (Array.isArray(inner) && element) for (const one of inner) walk(one, element);
    if (!isTable(inner) || !shape) return;
    for (const [key, keyView] of Object.entries(shape)) {
      const { type } = bare(keyView).def;
      if (inner[key] === null && type === 'object') inner[key] = {};
      else if (inner[key] === null && type === 'array') inner[key] = [];
      else walk(inner[key], keyView);
    }
  };
  walk(value, schema as unknown as SchemaView);
}

/** Without default, optional, transform. */
function bare(view: SchemaView): SchemaView {
  const inner = view.def.innerType ?? view.def.in;
  return inner ? bare(inner) : view;
}

function unknownKeyCure(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant ? `did you mean "${meant}"?` : `known here: ${known.join(', ')}`;
}

interface WrongType {
  readonly expected: string;
  readonly value: unknown;
  readonly path: KeyPath;
  readonly shown: string;
}

function explainType(wrong: WrongType, format: ConfigFormat): { text: string; cure?: string } {
  const { expected, value, path, shown } = wrong;
  const key = String(path.at(-1));
  if (expected === 'array' && isTable(value)) return { text: 'is one table', cure: `write ${format.tables(path)}` };
  if (expected === 'array')
    return { text: `${shown} must be a list`, cure: `write ${format.assign(key, `[${show(value)}]`)}` };
  if (expected === 'object') return { text: `${shown} must be a section`, cure: `write ${format.section(path)}` };
  if (expected === 'number' && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    return {
      text: `${shown} must be a number`,
      cure: `write ${format.assign(key, String(Number(value)))}, without quotes`,
    };
  if (expected === 'boolean')
    return { text: `${shown} must be true or false`, cure: `write ${format.assign(key, String(isYes(value)))}` };
  if (expected === 'string') return { text: `${shown} must be text`, cure: `put it in quotes` };
  return { text: `${shown} must be a ${expected}` };
}

function isYes(value: unknown): boolean {
  return !['false', 'no', 'off', '0', ''].includes(String(value).toLowerCase());
}
