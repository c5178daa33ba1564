import type { Schema } from './openapi.ts';

/** Schemas by name, of the same document. */
export type Schemas = Readonly<Record<string, Schema>>;

/** Deeper than this a schema is named only. */
const maxDepth = 6;
/** Lists of values longer than this are cut. */
const maxValues = 24;

/** A schema as people read it: nearly TypeScript, descriptions as comments. Named schemas are opened where they stand. */
export function schemaText(schema: Schema, schemas: Schemas, { depth, indent } = { depth: 0, indent: '' }): string {
  const { $ref, anyOf, items, properties } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf('/') + 1);
    const named = schemas[name];
    return named === undefined || depth >= maxDepth ? name : schemaText(named, schemas, { depth: depth + 1, indent });
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return valuesText(schema.enum);
  if (anyOf) return [...new Set(anyOf.map((part) => schemaText(part, schemas, { depth, indent })))].join(' | ');
  if (properties) return orNull(schema, objectText(schema, schemas, { depth, indent }));
  if (items) {
    const each = schemaText(items, schemas, { depth, indent });
    return orNull(schema, /^[^{]* \| /.test(each) ? `(${each})[]` : `${each}[]`);
  }
  const rest = schema.additionalProperties;
  if (typeof rest === 'object') return orNull(schema, `{ [name]: ${schemaText(rest, schemas, { depth, indent })} }`);
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

function objectText(schema: Schema, schemas: Schemas, { depth, indent }: { depth: number; indent: string }): string {
  if (depth >= maxDepth) return '{ … }';
  const inner = { depth: depth + 1, indent: `${indent}  ` };
  const lines = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const optional = schema.required?.includes(name) ? '' : '?';
    const note = part.description === undefined ? '' : `  // ${part.description}`;
    return `${inner.indent}${name}${optional}: ${schemaText(part, schemas, inner)}${note}`;
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}
