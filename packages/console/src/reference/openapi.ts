/** JSON Schema, as far as our API description uses it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly default?: unknown;
}

/** What goes into the path or the query of a request. */
export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
  readonly description?: string;
}

/** One route. */
export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
  readonly 'x-needs'?: { readonly role: string; readonly streams: string };
}

/** An OpenAPI 3.1 document, as far as it is shown. */
export interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** A route with its address. */
export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** Routes under the name of their group, in the order of the document; `words` must all be in address or summary. */
export function routeGroups(api: ApiDocument, words: string): { name: string; description: string; routes: Route[] }[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map((api.tags ?? []).map((tag) => [tag.name, { ...tag, routes: [] as Route[] }]));
  for (const [path, byMethod] of Object.entries(api.paths))
    for (const [method, operation] of Object.entries(byMethod)) {
      const text = `${method} ${path} ${operation.summary ?? ''}`.toLowerCase();
      if (!wanted.every((word) => text.includes(word))) continue;
      const name = operation.tags?.[0] ?? '';
      const group = groups.get(name) ?? { name, routes: [] };
      group.routes.push({ method: method.toUpperCase(), path, operation });
      groups.set(name, group);
    }
  return [...groups.values()]
    .filter(({ routes }) => routes.length > 0)
    .map(({ name, routes, ...rest }) => ({
      name,
      description: 'description' in rest ? (rest.description ?? '') : '',
      routes,
    }));
}

/** The address of a request, its parameters filled in; those of the query that are empty are left out. */
export function requestPath(
  path: string,
  parameters: readonly Parameter[],
  values: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const { name, in: place } of parameters) {
    const value = values[name] ?? '';
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    else if (place === 'query' && value !== '') query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? filled : `${filled}?${text}`;
}
