import fastifySwagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { needs, type RouteNeeds } from './auth/route-needs.ts';
import { isSafeMethod } from './auth/same-origin.ts';
import { problems } from './routes/route.ts';

type Json = Readonly<Record<string, unknown>>;

/** Describes the routes that `app` gets from now on; `openApiDocument` reads it once they are there. */
export function describeRoutes(app: FastifyInstance, version: string): void {
  void app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Watchpost',
        version,
        description:
          'Streams, recordings and events of a Watchpost server. The addresses below `/api/v1` answer below `/api/video` ' +
          'as well. Every failure is a problem document (RFC 9457) with a stable `code`; `x-codes` of the schema `Problem` ' +
          'lists the codes of all failures, with their statuses, what is wrong and what to do.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [
        { name: 'streams', description: 'Live streams' },
        { name: 'recordings', description: 'What was recorded, and where it is kept' },
        { name: 'events', description: 'What happened' },
        { name: 'cameras', description: 'Finding cameras' },
        { name: 'access', description: 'Logins and API tokens' },
        { name: 'health', description: 'For monitoring' },
        { name: 'server', description: 'The server itself' },
      ],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'API token, or the token of a login' },
          session: { type: 'apiKey', in: 'cookie', name: 'watchpost_session' },
        },
      },
      security: [{ bearer: [] }, { session: [] }],
    },
    transform: (input) => withNeeds(jsonSchemaTransform(withBodyLimits(input) as never), input.route),
    transformObject: jsonSchemaTransformObject,
  });
}

/** What any body may be refused for, also where none is wanted: it is read before the route is asked. */
function withBodyLimits<T extends { schema?: unknown; route: { method: string | readonly string[] } }>(input: T): T {
  const schema = input.schema as { readonly response?: object } | undefined;
  if (schema === undefined || [input.route.method].flat().every((method) => isSafeMethod(method))) return input;
  return { ...input, schema: { ...schema, response: { ...problems(400, 413, 415), ...schema.response } } };
}

/** Each operation says what it needs, in `x-needs`: the least role, and what it means for a caller limited to streams. */
function withNeeds<T extends { schema: unknown }>(transformed: T, route: { readonly config?: unknown }): T {
  const wanted = (route.config as { needs?: RouteNeeds } | undefined)?.needs ?? needs.administer;
  return { ...transformed, schema: { ...(transformed.schema as object), 'x-needs': wanted } };
}

/** The OpenAPI 3.1 document, with only the components that something refers to, in order of their names. */
export function openApiDocument(app: FastifyInstance): Json {
  return tidy(app.swagger() as unknown as Json);
}

function tidy(document: Json): Json {
  const components = document['components'] as { schemas?: Readonly<Record<string, Json>>; securitySchemes?: unknown };
  const schemas = components.schemas ?? {};
  const used = reachable(document['paths'], schemas);
  // What only comes in needs no other name than its own, where the same schema does not go out as well.
  const rename = (name: string) => {
    const plain = name.endsWith('Input') ? name.slice(0, -'Input'.length) : name;
    return plain !== name && !used.has(plain) ? plain : name;
  };
  const kept = [...used].sort((a, b) => (rename(a) < rename(b) ? -1 : 1));
  const text = JSON.stringify({
    ...document,
    paths: withoutEmptyBodies(document['paths'] as Json),
    components: { ...components, schemas: Object.fromEntries(kept.map((name) => [rename(name), schemas[name]])) },
  });
  return JSON.parse(text, (key, value) =>
    key === '$ref' && typeof value === 'string' ? value.replace(/[^/]+$/, (name) => rename(name)) : value,
  ) as Json;
}

function reachable(root: unknown, schemas: Readonly<Record<string, Json>>): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown) => {
    for (const [, name] of JSON.stringify(value ?? null).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) {
      if (found.has(name!)) continue;
      found.add(name!);
      visit(schemas[name!]);
    }
  };
  visit(root);
  return found;
}

/** 204 and 304 have no content (RFC 9110 §15.3.5, §15.4.5). */
function withoutEmptyBodies(paths: Json): unknown {
  return JSON.parse(JSON.stringify(paths), (key, value) => {
    if (key !== '204' && key !== '304') return value;
    return { description: (value as { description?: string }).description ?? 'Done' };
  });
}
