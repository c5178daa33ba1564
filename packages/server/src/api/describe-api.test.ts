import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeApi } from './describe-api.ts';
import { errorCodes } from './error-codes.ts';
import { scanErrorCodes, writeErrorCodes } from './scan-error-codes.ts';

const root = join(import.meta.dirname, '../../../..');
const regenerate = 'run: node scripts/openapi.ts --write';

test('the committed OpenAPI document and console types are those of the routes', async () => {
  const { openApi, types } = await describeApi();
  assert.equal(await readFile(join(root, 'docs/ref/openapi.json'), 'utf8'), openApi, regenerate);
  assert.equal(await readFile(join(root, 'packages/console/src/api-types.ts'), 'utf8'), types, regenerate);
});

test('the committed list of error codes is that of the sources, and the document has it', async () => {
  const committed = await readFile(join(import.meta.dirname, 'error-codes.ts'), 'utf8');
  assert.equal(committed, writeErrorCodes(root), regenerate);
  const { components } = JSON.parse((await describeApi()).openApi) as {
    components: { schemas: { Problem: { 'x-codes': unknown } } };
  };
  assert.deepEqual(components.schemas.Problem['x-codes'], errorCodes);
});

test('codes are found however the sources say them', () => {
  const codes = scanErrorCodes(root);
  const cases: readonly [code: string, statuses: readonly number[], detail: RegExp][] = [
    ['LAST_ADMIN', [409], /^this is the last administrator of all streams — make another one first$/],
    ['STREAM_EXISTS', [409], /^there is a stream "…" already/],
    ['BODY_TOO_LARGE', [413], /larger than/],
    ['REQUEST_INVALID', [400], /^$/],
    ['DIAL_UNKNOWN_HOST', [], /check the spelling/],
    ['RTSP_CREDENTIALS_REFUSED', [], /^$/],
    ['STREAM_OFFLINE', [], /^$/],
    ['INTERNAL', [500], /its log says what/],
    ['defined_in_file', [409], /is defined in the configuration file — change it there$/],
  ];
  for (const [code, statuses, detail] of cases) {
    assert.deepEqual(codes[code]?.statuses, statuses, code);
    assert.match(codes[code]?.detail ?? '', detail, code);
  }
});

test('every operation has a summary, an operationId of its own, a good answer, and refusals where a login is needed', async () => {
  const document = JSON.parse((await describeApi()).openApi) as {
    paths: Record<string, Record<string, { summary?: string; operationId?: string; security?: []; responses: object }>>;
  };
  const ids = new Set<string>();
  for (const [path, operations] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method} ${path}`;
      assert.ok(operation.summary, name);
      assert.ok(operation.operationId && !ids.has(operation.operationId), name);
      ids.add(operation.operationId);
      const statuses = Object.keys(operation.responses);
      assert.ok(
        statuses.some((status) => status.startsWith('2')),
        name,
      );
      assert.equal(
        operation.security === undefined,
        statuses.includes('401') && operation.security === undefined,
        name,
      );
    }
  assert.ok(ids.size >= 25);
});

test('a body may be refused for its size and type; files, ranges and streams of events are told of', async () => {
  type Operation = { requestBody?: object; responses: Record<string, { content?: Record<string, unknown> }> };
  const { paths } = JSON.parse((await describeApi()).openApi) as { paths: Record<string, Record<string, Operation>> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );
  // A body that nobody asked for is refused as well.
  for (const { name, operation } of operations)
    if (!name.startsWith('get '))
      for (const status of ['400', '413', '415']) assert.ok(status in operation.responses, name);
  const typesOf = (path: string, status: number) =>
    Object.keys(paths[`/api/v1/${path}`]!['get']!.responses[status]?.content ?? {});
  for (const path of ['recordings/{id}/playback', 'exports/{job}/file']) {
    assert.ok(typesOf(path, 200).includes('video/mp4'), path);
    assert.deepEqual([typesOf(path, 206), typesOf(path, 416)], [['video/mp4'], ['application/problem+json']], path);
  }
  assert.deepEqual(typesOf('audit', 200), ['application/json', 'text/csv']);
  assert.deepEqual(typesOf('events', 200), ['application/json', 'text/event-stream']);
});

test('every reference in the document leads to a component, and every component is referred to', async () => {
  const { openApi } = await describeApi();
  const { schemas } = (JSON.parse(openApi) as { components: { schemas: Record<string, unknown> } }).components;
  const referred = new Set([...openApi.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1]!));
  assert.deepEqual([...referred].sort(), Object.keys(schemas).sort());
});
