/** Fails where the JavaScript that every page loads is larger than its budget, or where something is loaded from elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const budgetBytes = 120 * 1024;
const dist = join(import.meta.dirname, '..', 'dist');
const page = readFileSync(join(dist, 'index.html'), 'utf8');

const scripts = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+\.js)"/g)].map((match) => match[1] ?? '');
let total = 0;
for (const name of new Set(scripts)) total += gzipSync(readFileSync(join(dist, name)), { level: 9 }).length;

const foreign = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(css|html)$/.test(name))
  .filter((name) => /(?:url\(|src=|href=)["']?https?:/.test(readFileSync(join(dist, name), 'utf8')));

console.log(`base JavaScript: ${(total / 1024).toFixed(1)} KiB gzipped of ${budgetBytes / 1024} KiB`);
if (scripts.length === 0) fail('index.html loads no script: is the build whole?');
if (scripts.some((name) => name.includes('hls')))
  fail('hls.js is loaded at once: it must wait until recordings are played');
if (total > budgetBytes) fail('the budget is exceeded: load a page or a library lazily');
if (foreign.length > 0) fail(`loaded from another server: ${foreign.join(', ')}`);

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}
