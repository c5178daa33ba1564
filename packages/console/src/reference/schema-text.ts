import type { Schema } from './openapi.ts';

/** Schemas by name, of the same document. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Deeper than this a schema is named only. */
const maxDepth = 6;
/** Lists of values longer than this are cut. */
const maxValues = 24;

/** A schema as people read it: nearly TypeScript, descriptions as comments. Named schemas are opened where they stand. */
export function schemaText(schema: Schema, schemas: Schemas, depth = 0): string {
  const { $ref, anyOf, items, properties } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    const named = schemas[name];
    return named === undefined || depth >= maxDepth ? name : schemaText(named, schemas, depth + 1);
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return valuesText(schema.enum);
  if (anyOf) return [...new Set(anyOf.map((part) => schemaText(part, schemas, depth)))].join(' | ');
  if (properties) return orNull(schema, objectText(schema, schemas, depth));
  if (items) {
    const each = schemaText(items, schemas, depth);
    return orNull(schema, /^[^{]* \| /.test(each) ? `(${each})[]` : `${each}[]`);
  }
  const rest = schema.additionalProperties;
  if (typeof rest === 'object') return orNull(schema, `{ [name]: ${schemaText(rest, schemas, depth)} }`);
  const { type = 'any' } = schema;
  return typeof type === 'string' ? type : type.join(' | ');
}

function orNull({ type }: Schema, text: string): string {
  return Array.isArray(type) && type.includes('null') ? `${text} | null` : text;
}

function valuesText(values: readonly unknown[]): string {
  const shown = values.slice(0, maxValues).map((value) => JSON.stringify(value));
  return [...shown, ...(values.length > maxValues ? ['…'] : [])].join(' | ');
}

function objectText(schema: Schema, schemas: Schemas, depth: number): string {
  if (depth >= maxDepth) return '{ … }';
  const indent = '  '.repeat(depth + 1);
  const lines = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const optional = schema.required?.includes(name) ? '' : '?';
    const note = part.description === undefined ? '' : `  // ${part.description}`;
    return `${indent}${name}${optional}: ${schemaText(part, schemas, depth + 1)}${note}`;
  });
  return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
}
