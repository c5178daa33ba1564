// Checks that the list of error codes, the API's document and the console's types are those of the sources; with --write
// makes them so.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeErrorCodes } from '../packages/server/src/api/scan-error-codes.ts';

const root = dirname(import.meta.dirname);
await put('packages/server/src/api/error-codes.ts', writeErrorCodes(root));
// Its document has the codes in it.
const { describeApi } = await import('../packages/server/src/api/describe-api.ts');
const { openApi, types } = await describeApi();
await put('docs/ref/openapi.json', openApi);
await put('packages/console/src/api-types.ts', types);

async function put(name: string, text: string): Promise<void> {
  const path = join(root, name);
  const before = await readFile(path, 'utf8').catch(() => '');
  if (before === text) return;
  if (process.argv.includes('--write')) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(`wrote ${path}`);
  } else {
    console.error(`${path} is not what the sources say — run: node scripts/openapi.ts --write`);
    process.exitCode = 1;
  }
}
