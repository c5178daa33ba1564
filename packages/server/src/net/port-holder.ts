import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** Its program's name: `nginx`, `node`. */
  readonly name: string;
}

const listening = '0A';
/** Nobody waits longer for a name. */
const withinMs = 1000;

/**
 * Which process listens on a TCP port of this machine, as /proc tells (proc(5), `net/tcp`). Undefined where there is no
 * /proc, the process belongs to somebody else, or it takes more than a second. `proc`: another place for /proc.
 */
export async function findPortHolder(port: number, proc = '/proc'): Promise<PortHolder | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), withinMs);
  try {
    return await Promise.race([look(port, proc), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function look(port: number, proc: string): Promise<PortHolder | undefined> {
  const inodes = new Set<string>();
  for (const table of [`${proc}/net/tcp`, `${proc}/net/tcp6`])
    for (const inode of listeningInodes(await textOf(table), port)) inodes.add(inode);
  if (inodes.size === 0) return undefined;
  for (const pid of await namesIn(proc)) {
    if (!/^\d+$/.test(pid) || (await hangs(`${proc}/${pid}`))) continue;
    for (const fd of await namesIn(`${proc}/${pid}/fd`)) {
      const target = await readlink(`${proc}/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      return { pid: Number(pid), name: await nameOf(`${proc}/${pid}`) };
    }
  }
  return undefined;
}

/**
 * A process that hangs in the kernel, as with a network disk that is gone: whoever reads its files of /proc but `status`
 * may wait for as long as it does, and each read takes one of the few threads that all reading of files has.
 */
async function hangs(process: string): Promise<boolean> {
  return /^State:\s*D/m.test(await textOf(`${process}/status`));
}

function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/** Socket inodes that listen on `port`, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const localPort = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    if (localPort === port && fields[3] === listening && fields[9]) inodes.push(fields[9]);
  }
  return inodes;
}

/** The program's own name; threads may rename the one that the kernel shows (Node: `MainThread`). */
async function nameOf(process: string): Promise<string> {
  const program = (await textOf(`${process}/cmdline`)).split('\0', 1)[0]!;
  if (program !== '') return program.slice(program.lastIndexOf('/') + 1);
  return (await textOf(`${process}/comm`)).trim() || '?';
}
