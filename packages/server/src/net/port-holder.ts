import { readdir, readFile, readlink } from 'node:fs/promises';

/** A process that listens on a port. */
export interface PortHolder {
  readonly pid: number;
  /** Its program's name: `nginx`, `node`. */
  readonly name: string;
}

const listening = '0A';

/**
 * Which process listens on a TCP port of this machine, as /proc tells (proc(5), `net/tcp`). Undefined where there is no
 * /proc, or the process belongs to somebody else.
 */
export async function findPortHolder(port: number): Promise<PortHolder | undefined> {
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6'])
    for (const inode of listeningInodes(await readFile(table, 'utf8').catch(() => ''), port)) inodes.add(inode);
  if (inodes.size === 0) return undefined;
  const processes = await readdir('/proc').catch(() => []);
  for (const pid of processes) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode === undefined || !inodes.has(inode)) continue;
      return { pid: Number(pid), name: await nameOf(pid) };
    }
  }
  return undefined;
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
async function nameOf(pid: string): Promise<string> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const program = commandLine.split('\0', 1)[0]!;
  if (program !== '') return program.slice(program.lastIndexOf('/') + 1);
  return (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?')).trim();
}
