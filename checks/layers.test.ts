import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, type SourceImport } from './imports.ts';
import { sourceFiles } from './source-files.ts';

/** Packages that a package may import; itself always. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  base: [],
  media: ['base'],
  tunnel: ['base'],
  agent: ['base', 'tunnel', 'media'],
  simulator: ['base', 'media'],
  // Its command line starts virtual cameras, for the demo, runs the agent and builds its packages.
  server: ['base', 'media', 'tunnel', 'simulator', 'agent'],
  console: [],
};

/** Folders of the server; one imports lower ranks and itself. */
const RANKS: Readonly<Record<string, number>> = {
  net: 0,
  config: 0,
  hub: 1,
  catalog: 1,
  decode: 1,
  devices: 2,
  agents: 2,
  storage: 2,
  protocols: 3,
  recorder: 4,
  playback: 4,
  snapshot: 4,
  detect: 4,
  automation: 5,
  api: 5,
  cli: 6,
  'registry.ts': 6,
  'main.ts': 6,
  'parts.ts': 6,
  'http-certificate.ts': 6,
  'api-parts.ts': 6,
  'readiness.ts': 6,
  'version.ts': 6,
  'camera-definitions.ts': 6,
};

/** Imports within a rank, each with its reason. */
const WITHIN_RANK: Readonly<Record<string, string>> = {
  'config net': 'the address of a listener has one parser',
  'catalog hub': 'the catalogue keeps stream definitions, a type of the hub',
  'snapshot playback': 'pictures of recordings are read from the files as playback reads them',
};

/** Folders whose children are siblings that never import each other. */
const SIBLINGS = ['protocols', 'storage'];

/** Why the import is not allowed; undefined where it is. */
export function violation({ from, to }: Pick<SourceImport, 'from' | 'to'>): string | undefined {
  const here = /^packages\/([^/]+)\/(.*)$/.exec(from);
  const there = /^packages\/([^/]+)\/(.*)$/.exec(to);
  if (!here) return undefined;
  if (!there)
    return /^(checks|e2e|bench|scripts)\//.test(to) ? `a package cannot need ${to.split('/')[0]}/` : undefined;
  if (here[1] !== there[1])
    return PACKAGES[here[1]!]?.includes(there[1]!) ? undefined : `package ${here[1]} may not import ${there[1]}`;
  if (here[1] !== 'server') return undefined;
  const [fromFolder, fromChild] = folderOf(here[2]!);
  const [toFolder, toChild] = folderOf(there[2]!);
  const fromRank = RANKS[fromFolder];
  const toRank = RANKS[toFolder];
  if (fromRank === undefined || toRank === undefined)
    return `${fromRank === undefined ? fromFolder : toFolder} has no rank`;
  if (fromFolder === toFolder)
    return SIBLINGS.includes(fromFolder) && fromChild !== toChild && toChild !== undefined && fromChild !== undefined
      ? `${fromFolder}/${fromChild} may not import its sibling ${toChild}`
      : undefined;
  if (toRank < fromRank || fromRank === 6 || `${fromFolder} ${toFolder}` in WITHIN_RANK) return undefined;
  return `${fromFolder} (rank ${fromRank}) may not import ${toFolder} (rank ${toRank})`;
}

function folderOf(path: string): [folder: string, child: string | undefined] {
  const [folder, ...rest] = path.replace(/^src\//, '').split('/');
  return [folder!, rest.length > 1 ? rest[0] : undefined];
}

test('every import goes down the layers', () => {
  const sources = sourceFiles().filter(
    (path) => path.startsWith('packages/') && !/\.test\.tsx?$/.test(path) && /\/src\//.test(path),
  );
  assert.ok(sources.length > 20, 'sources were found');
  const wrong = sources
    .flatMap(importsOf)
    .map((edge) => ({ ...edge, why: violation(edge) }))
    .filter(({ why }) => why !== undefined)
    .map(({ from, to, why }) => `${from} → ${to}: ${why}`);
  assert.deepEqual(wrong, []);
});

test('base, media and tunnel use no module of node', () => {
  const wrong = sourceFiles()
    .filter((path) => /^packages\/(base|media|tunnel)\/src\//.test(path) && !/\.test\.ts$/.test(path))
    .flatMap(importsOf)
    .filter(({ to }) => to.startsWith('node:'))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(wrong, []);
});

test('the core of the agent uses no module of node', () => {
  const wrong = sourceFiles()
    .filter((path) => /^packages\/agent\/src\//.test(path) && !/\/(platform|firmware)\/|\.test\.ts$/.test(path))
    .flatMap(importsOf)
    .filter(({ to }) => to.startsWith('node:') || to === 'ws')
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(wrong, []);
});

test('hub, api and automation name no protocol', () => {
  const wrong = sourceFiles()
    .filter((path) => /^packages\/server\/src\/(hub|api|automation)\//.test(path))
    .flatMap(importsOf)
    .filter(({ to, from }) => to.startsWith('packages/server/src/protocols/') && !/\.test\.ts$/.test(from))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(wrong, []);
});

test('the rules tell right from wrong', () => {
  const server = (path: string) => `packages/server/src/${path}`;
  const cases: [from: string, to: string, allowed: boolean][] = [
    [server('api/a.ts'), server('hub/b.ts'), true],
    [server('hub/b.ts'), server('api/a.ts'), false],
    [server('protocols/rtsp/a.ts'), server('protocols/hls/b.ts'), false],
    [server('protocols/rtsp/a.ts'), server('protocols/rtsp/b.ts'), true],
    [server('main.ts'), server('cli/b.ts'), true],
    [server('recorder/a.ts'), server('playback/b.ts'), false],
    [server('recorder/a.ts'), 'packages/media/src/types.ts', true],
    ['packages/media/src/a.ts', server('hub/b.ts'), false],
    ['packages/simulator/src/a.ts', server('net/dial.ts'), false],
    ['packages/console/src/a.ts', 'packages/base/src/errors.ts', false],
    [server('hub/a.ts'), 'checks/b.ts', false],
  ];
  for (const [from, to, allowed] of cases)
    assert.equal(violation({ from, to }) === undefined, allowed, `${from} → ${to}`);
});
