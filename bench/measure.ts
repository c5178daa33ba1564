import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;
const pageBytes = 4096;

/**
 * How long what happens 25 times a second is let go on before it is measured: until then V8 compiles it, in a thread of its
 * own and once more (500 RTMP players: 0.106 cores from the 10th to the 20th second, 0.095 from the 30th on).
 */
export const steadyAfterMs = 30_000;

/** What a process and all its children took. */
export interface Usage {
  /** User and system. */
  readonly cpuSeconds: number;
  /** System alone. */
  readonly kernelSeconds: number;
  readonly rssBytes: number;
}

/** Now, since they began. */
export function usage(pid: number): Usage {
  let cpuTicks = 0;
  let kernelTicks = 0;
  let rssBytes = 0;
  for (const member of family(pid)) {
    try {
      const fields = readFileSync(`/proc/${member}/stat`, 'utf8').split(') ')[1]!.split(' ');
      const kernel = Number(fields[12]) + Number(fields[14]);
      kernelTicks += kernel;
      cpuTicks += Number(fields[11]) + Number(fields[13]) + kernel;
      rssBytes += Number(fields[21]) * pageBytes;
    } catch {
      // Ended between listing and reading.
    }
  }
  return { cpuSeconds: cpuTicks / ticksPerSecond, kernelSeconds: kernelTicks / ticksPerSecond, rssBytes };
}

function family(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // Ended meanwhile.
    }
  }
  const all: number[] = [];
  const walk = (member: number) => {
    all.push(member);
    for (const child of children.get(member) ?? []) walk(child);
  };
  walk(pid);
  return all;
}

/** Shares of one core (1.00 = one core), and RSS in MB at the end. */
export interface Load {
  readonly cores: number;
  /** The kernel's part of `cores`: on loopback the way through both ends of a socket. */
  readonly kernelCores: number;
  readonly rssMb: number;
  /** What a hypervisor gave to other machines meanwhile, of all cores: with it the same work takes longer. */
  readonly stolenCores: number;
}

/** Over so many seconds. */
export async function measure(pid: number, seconds: number): Promise<Load> {
  const before = usage(pid);
  const stolenBefore = stolenSeconds();
  const startedMs = performance.now();
  await pause(seconds * 1000);
  const after = usage(pid);
  const wallSeconds = (performance.now() - startedMs) / 1000;
  return {
    cores: (after.cpuSeconds - before.cpuSeconds) / wallSeconds,
    kernelCores: (after.kernelSeconds - before.kernelSeconds) / wallSeconds,
    rssMb: after.rssBytes / 1e6,
    stolenCores: (stolenSeconds() - stolenBefore) / wallSeconds,
  };
}

/** Of all cores since the machine started (proc(5): `steal`). */
function stolenSeconds(): number {
  return Number(readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.split(/\s+/)[8]) / ticksPerSecond;
}

/** As the benches print it. */
export function showCores({ cores, kernelCores, stolenCores }: Omit<Load, 'rssMb'>): string {
  const stolen = stolenCores >= 0.005 ? `, ${stolenCores.toFixed(2)} stolen` : '';
  return `${cores.toFixed(3)} cores (${kernelCores.toFixed(3)} in the kernel${stolen})`;
}

/** Starts a program and resolves once it prints `ready`. */
export async function start(command: string, args: readonly string[], ready: RegExp): Promise<ChildProcess> {
  return (await startTalking(command, args, ready)).process;
}

/** `start`, with what it printed until then; lines can be written to its input. */
export function startTalking(
  command: string,
  args: readonly string[],
  ready: RegExp,
): Promise<{ readonly process: ChildProcess; readonly output: string }> {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
  });
  let text = '';
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text = (text + chunk.toString()).slice(-65_536);
      if (ready.test(text)) resolve({ process: child, output: text });
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${text}`)));
    setTimeout(() => reject(new Error(`${command} ${args.join(' ')} did not say ${ready}:\n${text}`)), 60_000).unref();
  });
}

/** Ends a program and waits for it. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await Promise.race([ended, pause(5000).then(() => child.kill('SIGKILL'))]);
}

/** Waits. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
