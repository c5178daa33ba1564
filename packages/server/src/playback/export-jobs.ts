import { randomBytes } from 'node:crypto';
import { readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@watchpost/base/clock.ts';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import { makeFolders } from '../storage/local/make-folders.ts';
import type { ByteRange } from './byte-range.ts';
import { checkOrder } from './check-range.ts';
import { ExportJob } from './export-job.ts';
import { readFile } from './local-file.ts';
import type { Mp4Files, RecordedRange } from './mp4-files.ts';
import type { PlaybackFile } from './playback.ts';

/** Longest time of one export. */
export const maxExportMs = 24 * 3600_000;
const maxRunning = 1;
/** Jobs that wait, run or are kept. */
const maxJobs = 32;
const keptMs = 24 * 3600_000;
const expireEveryMs = 60_000;
/** Room that an export leaves on the disk. */
const spareBytes = 512 * 1024 * 1024;

/** What exports are made of. */
export interface ExportJobsOptions {
  readonly mp4Files: Mp4Files;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A folder of its own: whatever is in it is deleted. */
  readonly directory: string;
}

/** Exports: one is written at a time, so that recording keeps the disk; what is finished stays for a day. */
export class ExportJobs implements AsyncDisposable {
  readonly #options: ExportJobsOptions;
  /** In order of age. */
  readonly #jobs = new Map<string, ExportJob>();
  readonly #running = new Set<Promise<void>>();
  #cancelExpiry: () => void;

  private constructor(options: ExportJobsOptions) {
    this.#options = options;
    this.#cancelExpiry = options.clock.after(expireEveryMs, () => this.#expire());
  }

  /** Begins without files of exports: jobs do not outlive the server. */
  static async open(options: ExportJobsOptions): Promise<ExportJobs> {
    await makeFolders(options.directory, 0o750);
    await removeExports(options.directory);
    return new ExportJobs(options);
  }

  /** Queues an export. Throws `invalid_argument` for a range that cannot be, `resource_exhausted` where too many are kept. */
  create(range: RecordedRange): ExportJob {
    checkOrder(range.startMs, range.endMs);
    if (range.endMs - range.startMs > maxExportMs) {
      throw new WatchpostError('One export covers at most 24 hours — export the days one by one', {
        kind: 'invalid_argument',
        code: 'EXPORT_TOO_LONG',
        context: { maxMs: maxExportMs },
      });
    }
    this.#makeRoom();
    const { mp4Files, directory, clock } = this.#options;
    const parts = { mp4Files, directory, checkSpace: (bytes: number) => this.#checkSpace(bytes) };
    const job = new ExportJob(randomBytes(12).toString('hex'), range, { ...parts, createdMs: clock.wallMs() });
    this.#jobs.set(job.id, job);
    this.#startNext();
    return job;
  }

  /** A job. Throws `not_found`. */
  get(id: string): ExportJob {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    throw new WatchpostError(
      `there is no export "${id}" (any more) — they are kept for a day, unless the server stops or many more are made`,
      { kind: 'not_found', code: 'EXPORT_NOT_FOUND' },
    );
  }

  /** All that are kept, oldest first. */
  list(): readonly ExportJob[] {
    return [...this.#jobs.values()];
  }

  /** The file of a job. Throws `not_found` or, while it is not finished, `conflict`. */
  file(id: string): PlaybackFile {
    const job = this.get(id);
    if (job.state !== 'done') {
      throw new WatchpostError(
        job.error?.message ?? `the export is ${job.state} — ask again when its state is "done"`,
        {
          kind: 'conflict',
          code: 'EXPORT_NOT_DONE',
        },
      );
    }
    const read = (range: ByteRange) => readFile(job.path, range);
    return { bytes: job.bytes, etag: `"${id}"`, closed: true, growing: false, read };
  }

  /** Ends a job and deletes its file. */
  async remove(id: string): Promise<void> {
    const job = this.get(id);
    this.#jobs.delete(id);
    job.cancel(new WatchpostError('The export was deleted', { kind: 'canceled', code: 'EXPORT_DELETED' }));
    await rm(job.path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelExpiry();
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs)
      job.cancel(new WatchpostError('The server is stopping', { kind: 'canceled', code: 'SHUTDOWN' }));
    await Promise.all(this.#running);
    await removeExports(this.#options.directory);
  }

  #startNext(): void {
    if (this.#running.size >= maxRunning) return;
    const job = [...this.#jobs.values()].find(({ state }) => state === 'queued');
    if (job === undefined) return;
    const work = this.#run(job);
    this.#running.add(work);
    void work.then(() => {
      this.#running.delete(work);
      this.#startNext();
    });
  }

  async #run(job: ExportJob): Promise<void> {
    const { clock, logger } = this.#options;
    job.state = 'running';
    try {
      await job.write();
      job.state = 'done';
      if (job.isCanceled) await rm(job.path, { force: true });
    } catch (thrown) {
      job.error = exportError(thrown);
      job.state = 'failed';
      if (!job.isCanceled) logger.warn('An export failed', { stream: job.range.streamId, error: job.error });
    }
    job.expiresMs = clock.wallMs() + keptMs;
  }

  async #checkSpace(bytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#options.directory);
    const free = bavail * bsize;
    if (free >= bytes + spareBytes) return;
    const [wanted, there] = [bytes + spareBytes, free].map((count) => `${Math.ceil(count / 1e6)} MB`);
    throw new WatchpostError(
      `The export wants ${wanted} free on the disk of data_dir, so that the server keeps room; there are ${there} — free some, or export less`,
      { kind: 'resource_exhausted', code: 'EXPORT_NO_SPACE', context: { bytes, spareBytes, free } },
    );
  }

  /** The oldest that are finished go, where there are too many. */
  #makeRoom(): void {
    const finished = [...this.#jobs.values()].filter(({ expiresMs }) => expiresMs !== undefined);
    for (const job of finished) {
      if (this.#jobs.size < maxJobs) return;
      void this.remove(job.id).catch(() => {});
    }
    if (this.#jobs.size < maxJobs) return;
    throw new WatchpostError(`${maxJobs} exports wait already — delete some, or ask again when they are done`, {
      kind: 'resource_exhausted',
      code: 'EXPORT_TOO_MANY',
    });
  }

  #expire(): void {
    const { clock } = this.#options;
    this.#cancelExpiry = clock.after(expireEveryMs, () => this.#expire());
    for (const job of this.#jobs.values()) {
      if ((job.expiresMs ?? Number.POSITIVE_INFINITY) <= clock.wallMs()) void this.remove(job.id).catch(() => {});
    }
  }
}

/** Files of jobs are not below a storage, so what the system says of them is not yet in our words. */
function exportError(thrown: unknown): WatchpostError {
  const { code } = thrown as { code?: unknown };
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return toWatchpostError(thrown, 'EXPORT_FAILED');
  return new WatchpostError(
    'The disk of data_dir became full while the export was written — free some, and export again',
    { kind: 'resource_exhausted', code: 'EXPORT_NO_SPACE', cause: thrown },
  );
}

/** The folder itself stays: a disk of its own may be mounted there, or it is a link to a folder of somebody's. */
async function removeExports(directory: string): Promise<void> {
  const names = await readdir(directory);
  const own = names.filter((name) => /^[0-9a-f]{24}\.(mp4|part|sound)$/.test(name));
  await Promise.all(own.map((name) => rm(join(directory, name), { force: true })));
}
