import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ApiDocument, requestPath, routeGroups, type Schema } from './openapi.ts';
import { schemaText } from './schema-text.ts';

const api: ApiDocument = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../../../docs/ref/openapi.json'), 'utf8'),
);

const cases: readonly [string, Schema, string][] = [
  ['a word', { type: 'string' }, 'string'],
  ['a word or nothing', { type: ['string', 'null'] }, 'string | null'],
  ['words', { enum: ['a', 'b'] }, '"a" | "b"'],
  ['a list of words', { type: 'array', items: { enum: ['a', 'b'] } }, '("a" | "b")[]'],
  ['a map', { type: 'object', additionalProperties: { type: 'number' } }, '{ [name]: number }'],
  ['one of several', { anyOf: [{ type: 'string' }, { type: 'null' }] }, 'string | null'],
  ['by name', { $ref: '#/components/schemas/Known' }, '{\n  id: integer  // Of it\n}'],
  ['by a name that is not there', { $ref: '#/components/schemas/Other' }, 'Other'],
];
const schemas = {
  Known: { type: 'object', properties: { id: { type: 'integer', description: 'Of it' } }, required: ['id'] },
  Endless: { type: 'object', properties: { next: { $ref: '#/components/schemas/Endless' } } },
};
for (const [title, schema, text] of cases)
  test(`a schema as people read it: ${title}`, () => assert.equal(schemaText(schema, schemas), text));

test('a schema that holds itself ends', () => {
  assert.ok(schemaText({ $ref: '#/components/schemas/Endless' }, schemas).length < 1000);
});

test('every route of our own description has a group and readable schemas', () => {
  const groups = routeGroups(api, '');
  const routes = groups.flatMap((group) => group.routes);
  assert.equal(routes.length, Object.values(api.paths).flatMap((byMethod) => Object.keys(byMethod)).length);
  for (const { operation } of routes)
    for (const { content = {} } of Object.values(operation.responses))
      for (const { schema = {} } of Object.values(content))
        assert.ok(schemaText(schema, api.components.schemas) !== '');
});

test('routes are found by words of their address and summary', () => {
  const found = routeGroups(api, 'get timeline').flatMap(({ routes }) => routes);
  assert.deepEqual(
    found.map(({ path }) => path),
    ['/api/v1/recordings/{id}/timeline'],
  );
});

test('parameters are put where they belong', () => {
  const parameters = [
    { name: 'id', in: 'path' },
    { name: 'start', in: 'query' },
    { name: 'end', in: 'query' },
  ] as const;
  assert.equal(requestPath('/a/{id}/b', parameters, { id: 'x y', start: '1&2' }), '/a/x%20y/b?start=1%262');
});
