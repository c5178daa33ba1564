import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FfmpegDecoder } from './ffmpeg.ts';
import { librariesInOrder } from './library-order.ts';

const never = new AbortController().signal;

/** A program that says what `lines` are where the linker is to tell, and else runs `script`. */
function makeProgram(lines: readonly string[], script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'watchpost-order-'));
  const program = join(folder, 'ffmpeg');
  writeFileSync(join(folder, 'lines'), lines.join('\n'));
  writeFileSync(program, `#!/bin/sh\n[ "$1" = -version ] && { cat ${folder}/lines >&2; exit 0; }\n${script}\n`);
  chmodSync(program, 0o755);
  const runs = () => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n');
  return { program, folder, runs, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

const bound = (library: string, count: number) =>
  Array.from(
    { length: count },
    (_, i) => `  4711:\tbinding file /usr/bin/x [0] to ${library} [0]: normal symbol \`f${i}'`,
  );

test('the libraries with most of the symbols come first, those with few are left where they are', async () => {
  const lines = [...bound('/lib/few.so.1', 99), ...bound('/lib/some.so', 150), ...bound('/lib/most.so.6', 300)];
  const others = [...bound('/lib64/ld-linux-x86-64.so.2', 999), ...bound('linux-vdso.so.1', 999), ...bound('x', 999)];
  using made = makeProgram([...lines, ...others, ...bound('/li b/odd.so', 999)], 'exit 1');
  const found = await librariesInOrder(made.program, ['-version'], never);
  const ours = found.filter((library) => /most|some|few|odd|ld-|vdso|x$/.test(library));
  assert.deepEqual(ours, ['/lib/most.so.6', '/lib/some.so']);
});

test('FFmpeg of this machine names its libraries; what is not there, or fails, names none', async () => {
  const found = await librariesInOrder('ffmpeg', ['-version'], never);
  assert.ok(found.length > 3 && found.every((library) => library.startsWith('/')), found.join(' '));
  assert.deepEqual(await librariesInOrder('ffmpeg', ['-no-such-option'], never), []);
  assert.deepEqual(await librariesInOrder('/no/such/program', [], never), []);
  assert.deepEqual(await librariesInOrder('ffmpeg', ['-version'], AbortSignal.abort()), []);
});

const jpeg = String.raw`printf '\377\330\001\377\331'`;
const asked = { codec: 'h264', bytes: Uint8Array.of(0, 0, 0, 1, 101), count: 1, ends: [5] } as const;

test('the first picture is decoded as ever, later ones with the libraries in order', async () => {
  using made = makeProgram(bound('/lib/most.so', 200), `echo "[$LD_PRELOAD]" >> "$(dirname "$0")/runs"\n${jpeg}`);
  const decoder = new FfmpegDecoder(made.program);
  for (let i = 0; i < 3; i++) assert.equal((await decoder.decode(asked, {}, never)).length, 5);
  const [first, second, third] = made.runs();
  assert.ok(!first!.includes('most.so') && second!.includes('/lib/most.so'), `${first} ${second}`);
  assert.equal(second, third);
});

test('where a picture can be decoded only without, the order is given up', async () => {
  const script = 'case "$LD_PRELOAD" in *most.so*) echo with; exit 1; esac';
  using made = makeProgram(
    bound('/lib/most.so', 200),
    `echo "$LD_PRELOAD" | grep -c most >> "$(dirname "$0")/runs"\n${script}\n${jpeg}`,
  );
  const decoder = new FfmpegDecoder(made.program);
  for (let i = 0; i < 4; i++) assert.equal((await decoder.decode(asked, {}, never)).length, 5);
  assert.deepEqual(made.runs(), ['0', '1', '0', '0', '0']);
});

test('a picture that cannot be decoded either way does not cost the order', async () => {
  using made = makeProgram(
    bound('/lib/most.so', 200),
    'echo "$LD_PRELOAD" | grep -c most >> "$(dirname "$0")/runs"; echo nothing to see >&2; exit 1',
  );
  const decoder = new FfmpegDecoder(made.program);
  for (let i = 0; i < 3; i++)
    await assert.rejects(decoder.decode(asked, {}, never), { code: 'DECODE_FAILED', message: /nothing to see/ });
  assert.deepEqual(made.runs(), ['0', '1', '0', '1', '0']);
});
