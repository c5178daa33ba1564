import { mayHoldSecret } from '@watchpost/base/text/mistake.ts';
import { nearest } from '@watchpost/base/text/nearest.ts';
import type { z } from 'zod';
import type { ConfigFormat } from './document.ts';
import { isTable, type KeyPath, valueAt } from './key-path.ts';
import { bare, keysAt, rangeOf, viewAt } from './schema-view.ts';
import { isSection, unknownKeyCure } from './unknown-keys.ts';
import { parseDuration, parseSize, show } from './values.ts';

interface Explanation {
  readonly text: string;
  readonly cure?: string;
}

interface Context {
  readonly schema: z.ZodType;
  readonly root: unknown;
  readonly format: ConfigFormat;
}

/** What is wrong and what to do, in words, for each thing that a schema found; a strict object names each unknown key. */
export function explainIssue(issue: z.core.$ZodIssue, context: Context): (Explanation & { path: KeyPath })[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  const value = valueAt(context.root, path);
  if (issue.code !== 'unrecognized_keys') return [{ path, ...explainValue(issue, { ...context, path, value }) }];
  return issue.keys.map((key) => {
    const inner = isTable(value) ? value[key] : undefined;
    return {
      path: [...path, key],
      text: `there is no such ${isSection(inner) ? 'section' : 'key'}`,
      cure: unknownKeyCure({ path, key, value: inner }, context),
    };
  });
}

interface Wrong extends Context {
  readonly path: KeyPath;
  readonly value: unknown;
}

function explainValue(issue: z.core.$ZodIssue, wrong: Wrong): Explanation {
  const { path, value, format } = wrong;
  if (issue.code === 'custom') return { text: issue.message };
  const key = String(path.at(-1));
  if (value === undefined) return { text: 'is missing', cure: `write ${format.assign(key, '…')}` };
  if (value === null) return { text: 'is empty', cure: 'write a value, or leave the key out' };
  const isSecret = mayHoldSecret(key) || (typeof value === 'string' && mayHoldSecret(value));
  const shown = isSecret ? 'the value' : show(value);
  if (issue.code === 'invalid_format') return { text: `${shown} does not fit`, cure: issue.message };
  if (issue.code === 'invalid_value') {
    const allowed = issue.values.map(String);
    const meant = typeof value === 'string' ? nearest(value, allowed) : undefined;
    const list = `it may be ${allowed.map((word) => `"${word}"`).join(' or ')}`;
    return {
      text: `${shown} is unknown`,
      cure: meant && meant !== value ? `did you mean "${meant}"? ${list}` : list,
    };
  }
  if (issue.code === 'too_small' || issue.code === 'too_big') return explainBound(issue, wrong, shown);
  // What a key says itself is better than what is said of its type.
  if (!issue.message.startsWith('Invalid input')) return { text: issue.message };
  if (issue.code === 'invalid_type') return explainType({ ...wrong, expected: issue.expected, shown });
  if (issue.code === 'invalid_union') return { text: `${shown} must be text or a number` };
  return { text: `${shown}: ${issue.message}` };
}

function explainBound(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  { schema, path }: Wrong,
  shown: string,
): Explanation {
  const isSmall = issue.code === 'too_small';
  const bound = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  if (issue.origin === 'string' && shown === '""')
    return { text: 'is empty', cure: 'write a value, or leave the key out' };
  if (issue.origin === 'string')
    return { text: `is too ${isSmall ? 'short' : 'long'}`, cure: `write ${bound} characters` };
  if (issue.origin === 'array') return { text: `has too ${isSmall ? 'few' : 'many'} entries`, cure: `write ${bound}` };
  if (!/^Too (small|big)/.test(issue.message)) return { text: `${shown}: ${issue.message}` };
  return { text: `${shown} is out of range`, cure: `it may be ${rangeOf(viewAt(schema, path)) ?? bound}` };
}

interface WrongType extends Wrong {
  readonly expected: string;
  readonly shown: string;
}

function explainType(wrong: WrongType): Explanation {
  const { expected, value, path, shown, format } = wrong;
  const key = String(path.at(-1));
  if (expected === 'array') return explainList(wrong);
  if (expected === 'object') return explainSection(wrong);
  if (expected === 'int' && typeof value === 'number')
    return { text: `${shown} must be a whole number`, cure: `write ${format.assign(key, String(Math.round(value)))}` };
  if (expected === 'number' || expected === 'int') return explainNumber(wrong);
  if (expected === 'boolean')
    return { text: `${shown} must be true or false`, cure: `write ${format.assign(key, String(isYes(value)))}` };
  if (expected !== 'string') return { text: `${shown} must be a ${expected}` };
  if (Array.isArray(value)) return explainListForText(wrong);
  if (isTable(value)) return { text: 'is a section and must be text', cure: `write ${format.assign(key, '"…"')}` };
  return { text: `${shown} must be text`, cure: 'put it in quotes' };
}

function explainList({ schema, value, path, shown, format }: WrongType): Explanation {
  const element = viewAt(schema, path)?.def.element;
  const hasTables = element !== undefined && bare(element).def.shape !== undefined;
  if (isTable(value) && hasTables) {
    const [name, inner] = Object.entries(value)[0] ?? [];
    const isNamed = isTable(inner) && bare(element).def.shape!['name'] !== undefined;
    const also = isNamed ? `, with ${format.assign('name', show(name))} as a key of it` : '';
    return { text: 'is one table', cure: `write ${format.tables(path)}${also}` };
  }
  if (hasTables) return { text: `${shown} must be a list of tables`, cure: `write ${format.tables(path)}` };
  const cure = isTable(value) || shown === 'the value' ? '["…"]' : `[${shown}]`;
  const text = isTable(value) ? 'is a section and must be a list' : `${shown} must be a list`;
  return { text, cure: `write ${format.assign(String(path.at(-1)), cure)}` };
}

function explainSection({ value, path, shown, format }: WrongType): Explanation {
  if (Array.isArray(value))
    return { text: 'is a list and must be one section', cure: `write ${format.section(path)}, once` };
  const stuck = typeof value === 'string' ? /^([\w-]+):[^\s/]/.exec(value)?.[1] : undefined;
  if (format.name === 'YAML' && stuck !== undefined)
    return { text: 'there is no space after the colon below it', cure: `write "${stuck}: …"` };
  // An element of a list has no name of its own.
  if (typeof path.at(-1) === 'number')
    return { text: `${shown} must be a section`, cure: `write ${format.tables(path.slice(0, -1))}` };
  return { text: `${shown} must be a section`, cure: `write ${format.section(path)}` };
}

function explainNumber({ value, path, shown, format }: WrongType): Explanation {
  const key = String(path.at(-1));
  const text = typeof value === 'string' ? value.trim() : '';
  if (text !== '' && Number.isFinite(Number(text)))
    return {
      text: `${shown} must be a number`,
      cure: `write ${format.assign(key, String(Number(text)))}, without quotes`,
    };
  const leading = withoutUnit(key, text);
  if (leading !== undefined)
    return { text: `${shown} must be a number without a unit`, cure: `write ${format.assign(key, String(leading))}` };
  return { text: `${shown} must be a number`, cure: `write ${format.assign(key, '…')} with a number` };
}

/** The number that text with a unit means in the unit of the key. */
function withoutUnit(key: string, text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*[a-z%]+$/i.exec(text);
  if (!match) return undefined;
  if (key.includes('bytes')) return parseSize(text);
  const seconds = parseDuration(text);
  if (key.includes('seconds')) return seconds;
  return key.includes('days') && seconds !== undefined ? seconds / 86_400 : Number(match[1]);
}

function explainListForText({ schema, value, path, format }: WrongType): Explanation {
  const key = String(path.at(-1));
  const list = value as readonly unknown[];
  const text = 'is a list and must be one text';
  if (keysAt(schema, path.slice(0, -1)).includes(`${key}s`))
    return { text, cure: `write ${format.assign(`${key}s`, '[…]')} for several` };
  const [only] = list;
  return list.length === 1 && typeof only === 'string' && !mayHoldSecret(key)
    ? { text, cure: `write ${format.assign(key, show(only))}` }
    : { text, cure: `write ${format.assign(key, '"…"')}` };
}

function isYes(value: unknown): boolean {
  return !['false', 'no', 'off', '0', ''].includes(String(value).toLowerCase());
}
