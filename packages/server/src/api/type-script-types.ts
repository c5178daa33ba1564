type Schema = Readonly<Record<string, unknown>>;

/**
 * TypeScript of an OpenAPI 3.1 document: an interface (or type) for each component, and `Operations`, which maps each
 * operationId to method, path, and the types of what goes in and comes out.
 */
export function writeTypes(document: Schema): string {
  const schemas = (document['components'] as { schemas: Readonly<Record<string, Schema>> }).schemas;
  const parts = ['// Generated from docs/ref/openapi.json by `node scripts/openapi.ts --write`; never edited.\n'];
  for (const [name, schema] of Object.entries(schemas)) parts.push(writeComponent(name, schema));
  parts.push(writeOperations(document['paths'] as Readonly<Record<string, Readonly<Record<string, Schema>>>>));
  return parts.join('\n');
}

function writeComponent(name: string, schema: Schema): string {
  const doc = writeDoc(schema, '');
  if (schema['type'] === 'object' && schema['properties'])
    return `${doc}export interface ${name} ${typeOf(schema, '')}\n`;
  return `${doc}export type ${name} = ${typeOf(schema, '')};\n`;
}

function writeOperations(paths: Readonly<Record<string, Readonly<Record<string, Schema>>>>): string {
  const lines = ['/** Every operation of the API, by its operationId. */', 'export interface Operations {'];
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      lines.push(`  /** ${String(operation['summary'])} */`, `  ${String(operation['operationId'])}: {`);
      lines.push(`    method: '${method.toUpperCase()}';`, `    path: '${path}';`);
      lines.push(`    params: ${parametersOf(operation, 'path')};`, `    query: ${parametersOf(operation, 'query')};`);
      lines.push(`    body: ${bodyOf(operation)};`, `    response: ${responseOf(operation)};`, '  };');
    }
  }
  return `${lines.join('\n')}\n}\n`;
}

function parametersOf(operation: Schema, place: string): string {
  const parameters = ((operation['parameters'] as Schema[] | undefined) ?? []).filter((entry) => entry['in'] === place);
  if (parameters.length === 0) return 'undefined';
  const fields = parameters.map(
    (entry) =>
      `${quoted(String(entry['name']))}${entry['required'] ? '' : '?'}: ${typeOf(entry['schema'] as Schema, '    ')}`,
  );
  return `{ ${fields.join('; ')} }`;
}

function bodyOf(operation: Schema): string {
  const body = operation['requestBody'] as Schema | undefined;
  return body ? contentType(body, '    ') : 'undefined';
}

function responseOf(operation: Schema): string {
  const responses = operation['responses'] as Readonly<Record<string, Schema>>;
  // 206 is a part of what 200 has.
  const good = Object.entries(responses).filter(([status]) => status.startsWith('2') && status !== '206');
  return good.map(([, response]) => contentType(response, '    ')).join(' | ');
}

function contentType(holder: Schema, indent: string): string {
  const content = holder['content'] as Readonly<Record<string, { schema?: Schema }>> | undefined;
  const schema = content && Object.values(content)[0]?.schema;
  return schema ? typeOf(schema, indent) : 'undefined';
}

function typeOf(schema: Schema, indent: string): string {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return reference.slice(reference.lastIndexOf('/') + 1);
  if ('const' in schema) return JSON.stringify(schema['const']);
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => JSON.stringify(value)).join(' | ');
  const choices = (schema['anyOf'] ?? schema['oneOf']) as Schema[] | undefined;
  if (choices) return [...new Set(choices.map((choice) => typeOf(choice, indent)))].join(' | ');
  const { type } = schema;
  if (Array.isArray(type)) return type.map((one: string) => typeOf({ ...schema, type: one }, indent)).join(' | ');
  if (type === 'array') return arrayOf(schema['items'] as Schema | undefined, indent);
  if (type === 'object') return objectOf(schema, indent);
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string' || type === 'boolean' || type === 'null') return type;
  return 'unknown';
}

function arrayOf(items: Schema | undefined, indent: string): string {
  const item = items ? typeOf(items, indent) : 'unknown';
  return /[ |{]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
}

function objectOf(schema: Schema, indent: string): string {
  const properties = Object.entries((schema['properties'] as Readonly<Record<string, Schema>> | undefined) ?? {});
  const rest = schema['additionalProperties'];
  const restType = rest && typeof rest === 'object' ? typeOf(rest as Schema, indent) : 'unknown';
  if (properties.length === 0) return `Record<string, ${restType}>`;
  const required = new Set(schema['required'] as string[] | undefined);
  const inner = `${indent}  `;
  const lines = properties.map(
    ([name, property]) =>
      `${writeDoc(property, inner)}${inner}${quoted(name)}${required.has(name) ? '' : '?'}: ${typeOf(property, inner)};`,
  );
  if (rest && typeof rest === 'object') lines.push(`${inner}[key: string]: unknown;`);
  return `{\n${lines.join('\n')}\n${indent}}`;
}

function writeDoc(schema: Schema, indent: string): string {
  const { description } = schema;
  return typeof description === 'string' ? `${indent}/** ${description.replaceAll('*/', '* /')} */\n` : '';
}

function quoted(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
