// Checks that the API's document and the console's types are those of the routes; with --write makes them so.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeApi } from '../packages/server/src/api/describe-api.ts';

const root = dirname(import.meta.dirname);
const { openApi, types } = await describeApi();
const files = [
  { path: join(root, 'docs/ref/openapi.json'), text: openApi },
  { path: join(root, 'packages/console/src/api-types.ts'), text: types },
];

for (const { path, text } of files) {
  const before = await readFile(path, 'utf8').catch(() => '');
  if (before === text) continue;
  if (process.argv.includes('--write')) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`wrote ${path}`);
  } else {
    console.error(`${path} is not what the routes say — run: node scripts/openapi.ts --write`);
    process.exitCode = 1;
  }
}
