import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Config } from '../../config/types.ts';
import type { Finding } from './finding.ts';

/** Files that one camera keeps open: its connection, its segment file, some viewers. */
const FILES_PER_CAMERA = 8;
const FILES_OF_THE_SERVER = 200;
/** Receive buffer that a burst of one key picture over UDP needs. */
const UDP_BUFFER_BYTES = 2 ** 20;
/** No clock that was set since this program was written shows an earlier time. */
const PLAUSIBLE_AFTER_MS = Date.UTC(2025, 0, 1);

/** Versions, programs, limits of the kernel, the clock. */
export async function checkMachine(config: Config): Promise<Finding[]> {
  return [versions(), await ffmpeg(), await openFiles(config), ...(await udpBuffer(config)), await clock()];
}

function versions(): Finding {
  const { platform, arch, versions: known } = process;
  const text = `Node ${known.node}, ${platform} ${arch}`;
  const what = 'versions';
  if (platform === 'linux') return { status: 'fine', what, text };
  return { status: 'odd', what, text, cure: 'tried on Linux only; elsewhere use the container image' };
}

function ffmpeg(): Promise<Finding> {
  const what = 'FFmpeg';
  return new Promise((resolve) => {
    execFile('ffmpeg', ['-hide_banner', '-version'], { timeout: 5000 }, (error, stdout) => {
      const version = /^ffmpeg version (\S+)/.exec(stdout)?.[1];
      if (!error && version !== undefined) resolve({ status: 'fine', what, text: `version ${version}` });
      else resolve({ status: 'fine', what, text: 'not installed; watching and recording do not need it' });
    });
  });
}

async function openFiles({ cameras }: Config): Promise<Finding> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  const needed = FILES_OF_THE_SERVER + cameras.length * FILES_PER_CAMERA;
  const what = 'open files';
  if (Number.isNaN(limit)) return { status: 'fine', what, text: 'no limit known' };
  const text = `${limit} allowed, about ${needed} needed for ${cameras.length} cameras`;
  if (limit >= needed) return { status: 'fine', what, text };
  return {
    status: 'bad',
    what,
    text,
    cure: `ulimit -n ${needed * 2}, or LimitNOFILE=${needed * 2} in the systemd unit`,
  };
}

/** Only where cameras may be pulled over UDP. */
async function udpBuffer({ protocols }: Config): Promise<Finding[]> {
  const usesUdp = Object.values(protocols.sections).some(
    ({ transport }) => Array.isArray(transport) && transport.includes('udp'),
  );
  const bytes = Number((await readFile('/proc/sys/net/core/rmem_max', 'utf8').catch(() => '')).trim());
  if (!usesUdp || !(bytes > 0)) return [];
  const text = `net.core.rmem_max is ${bytes} bytes`;
  if (bytes >= UDP_BUFFER_BYTES) return [{ status: 'fine', what: 'UDP buffer', text }];
  const cure = `sysctl -w net.core.rmem_max=${4 * UDP_BUFFER_BYTES}, or cameras over UDP lose packets at key pictures`;
  return [{ status: 'odd', what: 'UDP buffer', text, cure }];
}

async function clock(): Promise<Finding> {
  const nowMs = Date.now();
  const text = new Date(nowMs).toISOString();
  const what = 'clock';
  if (nowMs < PLAUSIBLE_AFTER_MS)
    return {
      status: 'bad',
      what,
      text,
      cure: 'recordings are filed by time: set the clock, or switch on time synchronization (timedatectl set-ntp true)',
    };
  const newest = await newestBuildMs();
  if (newest > nowMs + 86_400_000)
    return { status: 'odd', what, text, cure: 'files of this program are newer than now: check the clock' };
  return { status: 'fine', what, text };
}

async function newestBuildMs(): Promise<number> {
  const { stat } = await import('node:fs/promises');
  return (await stat(new URL(import.meta.url))).mtimeMs;
}
