import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ManualClock } from '@watchpost/base/clock.ts';
import { silentLogger } from '@watchpost/base/logger.ts';
import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { AnnouncedTrack, Publisher, SourceUnit } from '../../hub/types.ts';
import { createFileSource } from './index.ts';

const run = promisify(execFile);
let folder: string;
let mediaDir: string;

/** Two seconds of 25 pictures a second, with B-frames, and sound. */
async function make(name: string, ...args: string[]): Promise<void> {
  const input = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=25', '-f', 'lavfi', '-i', 'sine'];
  const encode = ['-t', '2', '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '25', '-c:a', 'aac'];
  await run('ffmpeg', [...input, ...encode, '-pix_fmt', 'yuv420p', ...args, join(mediaDir, name)]);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watchpost-file-'));
  mediaDir = join(folder, 'media');
  await mkdir(join(mediaDir, 'yard'), { recursive: true });
  await Promise.all([
    make('plain.mp4'),
    make('yard/front.mp4', '-movflags', '+faststart'),
    make('pieces.mp4', '-movflags', 'frag_keyframe+empty_moov+default_base_moof'),
    make('a.ts'),
    make('a.flv'),
    writeFile(join(mediaDir, 'notes.txt'), 'nothing to see'),
    writeFile(join(folder, 'secret.mp4'), ''),
    symlink(join(folder, 'secret.mp4'), join(mediaDir, 'link.mp4')),
  ]);
});
after(() => rm(folder, { recursive: true, force: true }));

/** Knows whether somebody waits for it. */
class AwaitedClock extends ManualClock {
  readonly #waiting = new Set<() => void>();

  get isAwaited(): boolean {
    return this.#waiting.size > 0;
  }

  override after(delayMs: number, task: () => void): () => void {
    this.#waiting.add(task);
    const cancel = super.after(delayMs, () => {
      this.#waiting.delete(task);
      task();
    });
    return () => {
      this.#waiting.delete(task);
      cancel();
    };
  }
}

interface Played {
  readonly codecs: string[];
  readonly units: { readonly track: number; readonly unit: SourceUnit; readonly atMs: number }[];
}

/** What `url` plays in so many seconds; `after1s` is done after the first one. */
async function play(url: string, seconds: number, after1s?: () => Promise<void>): Promise<Played> {
  const clock = new AwaitedClock();
  const abort = new AbortController();
  const played: Played = { codecs: [], units: [] };
  const publisher = {
    ...{ flush: () => {}, count: () => {}, close: () => {} },
    writeUnit: (track: number, unit: SourceUnit) => void played.units.push({ track, unit, atMs: clock.monotonicMs() }),
  } as unknown as Publisher;
  const publish = (tracks: readonly AnnouncedTrack[]) => {
    played.codecs.push(...tracks.map(({ track }) => track.codec));
    return publisher;
  };
  const context = { clock, signal: abort.signal, logger: silentLogger, section: {} } as never;
  let failure: unknown;
  const done = createFileSource({ mediaDir: () => mediaDir }).pull!(parseSourceUrl(url), publish, context).catch(
    (thrown) => {
      failure = thrown;
    },
  );
  // The disk answers in its own time, in which that of the player stands still: a busy machine changes nothing.
  while (clock.monotonicMs() < seconds * 1000 && failure === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!clock.isAwaited) continue;
    clock.advance(10);
    if (clock.monotonicMs() === 1000) await after1s?.();
  }
  abort.abort(new Error('enough'));
  await done;
  if ((failure as Error).message !== 'enough') throw failure;
  return played;
}

for (const url of ['plain.mp4', 'yard/front.mp4', 'pieces.mp4', 'a.ts', 'a.flv']) {
  test(`${url} plays at its own pace, round after round`, async () => {
    const { codecs, units } = await play(`file:${url}`, 7);
    assert.deepEqual(codecs, ['h264', 'aac']);
    const pictures = units.filter(({ track }) => track === 0);
    assert.ok(pictures.length > 150, `${pictures.length} pictures`);
    assert.ok(pictures.filter(({ unit }) => unit.key).length >= 6);
    const shown = pictures.map(({ unit }) => unit.pts / 90).sort((a, b) => a - b);
    // The last ones are shown before some that have not been decoded.
    const steps = shown.slice(1, -3).map((ms, i) => ms - shown[i]!);
    const seams = steps.filter((step) => Math.abs(step - 40) > 1.5);
    assert.ok(seams.length <= 3 && seams.every((step) => step > 40 && step < 150), `${seams} ms apart`);
    // The first ones wait until it is known whether there is sound.
    const leads = pictures.slice(25).map(({ unit, atMs }) => unit.dts / 90 - atMs);
    // They are 20 (MP4 with fragments) to 140 ms (MPEG-TS), however busy the machine is.
    assert.ok(Math.max(...leads) - Math.min(...leads) < 200, `${Math.min(...leads)} … ${Math.max(...leads)} ms early`);
  });
}

test('a file that is replaced plays with the next round; one that is removed, emptied or led elsewhere ends with the reason', async () => {
  const path = join(mediaDir, 'moving.mp4');
  const started = async (afterwards: () => Promise<void>) => {
    await rm(path, { force: true });
    await copyFile(join(mediaDir, 'plain.mp4'), path);
    return play('file:moving.mp4', 5, afterwards);
  };
  const { units } = await started(() =>
    rename(path, `${path}.old`).then(() => copyFile(join(mediaDir, 'pieces.mp4'), path)),
  );
  const count = units.filter(({ track }) => track === 0).length;
  assert.ok(count > 60, `${count} pictures`);
  await assert.rejects(
    started(() => rm(path)),
    { code: 'FILE_NOT_FOUND' },
  );
  await assert.rejects(
    started(() => writeFile(path, '')),
    { code: 'FILE_UNSUPPORTED' },
  );
  await assert.rejects(
    started(() => rm(path).then(() => symlink(join(folder, 'secret.mp4'), path))),
    { code: 'FILE_OUTSIDE' },
  );
});

test('another media_dir counts from the next round on; where the file is not in it the source ends with the reason', async () => {
  const [before, other] = [mediaDir, join(folder, 'other')];
  await mkdir(other);
  const moved = async () => {
    mediaDir = other;
  };
  try {
    await assert.rejects(play('file:plain.mp4', 5, moved), {
      code: 'FILE_NOT_FOUND',
      message: /media_dir ".*\/other"/,
    });
    mediaDir = before;
    await copyFile(join(before, 'plain.mp4'), join(other, 'plain.mp4'));
    const { units } = await play('file:plain.mp4', 5, moved);
    assert.ok(units.filter(({ track }) => track === 0).length > 100);
  } finally {
    mediaDir = before;
  }
});

test('the whole path works, too; a file elsewhere, none, and one of another kind are told apart', async () => {
  const { codecs } = await play(`file://${join(mediaDir, 'plain.mp4')}`, 1);
  assert.deepEqual(codecs, ['h264', 'aac']);
  const cases: [url: string, code: string][] = [
    ['file:../secret.mp4', 'FILE_OUTSIDE'],
    ['file:///etc/passwd', 'FILE_OUTSIDE'],
    ['file:link.mp4', 'FILE_OUTSIDE'],
    ['file:gone.mp4', 'FILE_NOT_FOUND'],
    ['file:yard', 'FILE_NOT_FOUND'],
    ['file:notes.txt', 'FILE_UNSUPPORTED'],
  ];
  for (const [url, code] of cases) await assert.rejects(play(url, 1), { code }, url);
  const closed = createFileSource({ mediaDir: () => undefined });
  assert.throws(() => closed.checkSource!(parseSourceUrl('file:plain.mp4')), { code: 'MEDIA_DIR_MISSING' });
});
