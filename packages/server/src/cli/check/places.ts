import { access, constants, mkdtemp, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config, DiskShare, StorageBackendConfig } from '../../config/types.ts';
import { partOfDays } from '../../recorder/storage-report.ts';
import type { Finding } from './finding.ts';

/** What a camera sends where nobody has measured it: 1080p to 4 MP, H.264. */
const BITS_PER_SECOND = 4_000_000;
const DAY_SECONDS = 86_400;
/** With less there is not even room for the database. */
const LEAST_FREE_BYTES = 20_000_000;

/** Folders writable, disks large enough for what is to be kept. */
export async function checkPlaces(config: Config): Promise<Finding[]> {
  const findings = [await writable('data_dir', config.dataDir)];
  for (const backend of config.storage.backends) {
    const folder = await writable(`storage ${backend.name}`, backend.basePath);
    findings.push(folder);
    if (folder.status !== 'bad') findings.push(await retentionFits(backend, config));
  }
  return findings;
}

async function writable(what: string, folder: string): Promise<Finding> {
  const present = await nearestPresent(folder);
  if (!(await stat(present)).isDirectory())
    return { status: 'bad', what, text: `${present} is a file, not a folder`, cure: 'name another folder' };
  try {
    if (present === folder) await rmdir(await mkdtemp(join(folder, '.watchpost-check-')));
    else await access(present, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(present);
    if (bavail * bsize < LEAST_FREE_BYTES) {
      const text = `only ${Math.floor((bavail * bsize) / 1e6)} MB are free on the disk of ${folder}`;
      return { status: 'bad', what, text, cure: CURES['ENOSPC']! };
    }
    return { status: 'fine', what, text: present === folder ? `${folder} is writable` : `${folder} will be made` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    return {
      status: 'bad',
      what,
      text: `${present} cannot be written to (${code})`,
      cure: CURES[code] ?? `check ${present}`,
    };
  }
}

const CURES: Readonly<Record<string, string>> = {
  EACCES: 'chown it to the user that runs Watchpost, or name another folder',
  EROFS: 'it is mounted read-only: remount it, or name another folder',
  ENOSPC: 'the disk is full: free some, or name another folder',
  ENOTDIR: 'a part of the path is a file: name another folder',
};

/** The folder itself or the nearest one above it that exists. */
async function nearestPresent(folder: string): Promise<string> {
  for (let place = folder; ; place = dirname(place)) {
    const exists = await access(place).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
    );
    if (exists || place === dirname(place)) return place;
  }
}

async function retentionFits(backend: StorageBackendConfig, { cameras }: Config): Promise<Finding> {
  const disk = await statfs(await nearestPresent(backend.basePath));
  const totalBytes = disk.blocks * disk.bsize;
  const bytesOf = (share: DiskShare) => ('percent' in share ? (totalBytes * share.percent) / 100 : share.bytes);
  const { minFree, maxBytes } = backend;
  const most = maxBytes === undefined ? Number.POSITIVE_INFINITY : bytesOf(maxBytes);
  const usable = Math.max(0, Math.min(most, disk.bavail * disk.bsize - bytesOf(minFree)));
  const recorded = cameras.filter(({ record }) => record).length;
  const perDay = (recorded * BITS_PER_SECOND * DAY_SECONDS) / 8;
  const what = `disk ${backend.name}`;
  const free = `${gigabytes(usable)} of ${gigabytes(totalBytes)} usable`;
  if (recorded === 0) return { status: 'fine', what, text: `${free}; no camera is recorded` };
  const text = `${free}; ${recorded === 1 ? '1 camera at 4 Mbit/s needs' : `${recorded} cameras at 4 Mbit/s need`} ${gigabytes(perDay * backend.retentionDays)} for ${backend.retentionDays} days`;
  const days = usable / perDay;
  if (days >= backend.retentionDays) return { status: 'fine', what, text };
  const cure = `${partOfDays(days)} of ${backend.retentionDays} days fit, then the oldest go: a larger disk, fewer retention_days, or a lower bitrate`;
  return { status: 'odd', what, text, cure };
}

function gigabytes(bytes: number): string {
  return bytes >= 1e12 ? `${(bytes / 1e12).toFixed(1)} TB` : `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`;
}
