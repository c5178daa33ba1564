import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { arch, cpus, freemem, hostname, networkInterfaces, totalmem, uptime } from 'node:os';
import { interfaceAddresses } from './node-network.ts';
import type { HostFacts } from './platform.ts';

/** Reads what Linux tells about the machine; what is not there is left out. */
export class NodeHost {
  #platform: HostFacts['platform'] | undefined;
  #cpu = cpuTimes();
  #own = process.cpuUsage();
  #atMs = performance.now();

  /** The facts of now; shares are since the last call. */
  facts(): HostFacts {
    const cpu = cpuTimes();
    const own = process.cpuUsage();
    const nowMs = performance.now();
    const total = cpu.total - this.#cpu.total;
    const elapsedMs = nowMs - this.#atMs;
    const ownMs = (own.user + own.system - this.#own.user - this.#own.system) / 1000;
    const cpuLoad = total > 0 ? round((cpu.busy - this.#cpu.busy) / total) : undefined;
    const ownCpuLoad = elapsedMs > 0 ? round(ownMs / elapsedMs) : undefined;
    this.#cpu = cpu;
    this.#own = own;
    this.#atMs = nowMs;
    this.#platform ??= platformOf();
    return {
      platform: this.#platform,
      architecture: arch(),
      hostname: hostname(),
      uptimeS: Math.round(uptime()),
      ...known('cpuLoad', cpuLoad),
      ...known('ownCpuLoad', ownCpuLoad),
      memoryTotalBytes: totalmem(),
      memoryFreeBytes: availableMemory() ?? freemem(),
      ownMemoryBytes: ownMemory(),
      ...known('temperatureC', temperature()),
      ...known('signalDbm', wirelessSignal()),
      ...known('linkMbitPerS', linkSpeed()),
      addresses: interfaceAddresses().filter((address) => !address.startsWith('127.')),
      machineTag: machineTag(),
    };
  }
}

function platformOf(): HostFacts['platform'] {
  const release = textOf('/etc/os-release') ?? '';
  if (/OpenIPC/i.test(release)) return 'openipc';
  if (/axis/i.test(release)) return 'axis';
  if (/OpenWrt/i.test(release) || existsSync('/etc/openwrt_release')) return 'openwrt';
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return 'container';
  return 'linux';
}

function cpuTimes(): { busy: number; total: number } {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq + times.idle;
    total += all;
    busy += all - times.idle;
  }
  return { busy, total };
}

function availableMemory(): number | undefined {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(textOf('/proc/meminfo') ?? '');
  return match ? Number(match[1]) * 1024 : undefined;
}

/** 0 where /proc is not mounted. */
function ownMemory(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}

/** The hottest zone between 1 and 150 °C: some boards list sensors that are not there. */
function temperature(): number | undefined {
  const folder = '/sys/class/thermal';
  const values = namesIn(folder)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((name) => Number(textOf(`${folder}/${name}/temp`)) / 1000)
    .filter((value) => value > 1 && value < 150);
  return values.length > 0 ? Math.round(Math.max(...values) * 10) / 10 : undefined;
}

function wirelessSignal(): number | undefined {
  const line = textOf('/proc/net/wireless')?.split('\n')[2];
  const value = Number(line?.trim().split(/\s+/)[3]);
  return value < 0 ? value : undefined;
}

function linkSpeed(): number | undefined {
  const folder = '/sys/class/net';
  const speeds = namesIn(folder)
    .filter((name) => name !== 'lo' && textOf(`${folder}/${name}/operstate`)?.trim() === 'up')
    .map((name) => Number(textOf(`${folder}/${name}/speed`)))
    .filter((value) => value > 0);
  return speeds.length > 0 ? Math.max(...speeds) : undefined;
}

/** From the first hardware address, else from the machine's id: it must outlast a new installation where it can. */
function machineTag(): string {
  const mac = Object.entries(networkInterfaces())
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, entries]) => entries ?? [])
    .find((entry) => !entry.internal && entry.mac !== '00:00:00:00:00:00')?.mac;
  const source = mac ?? textOf('/etc/machine-id') ?? hostname();
  return createHash('sha256').update(`watchpost-agent ${source.trim()}`).digest('hex').slice(0, 8);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function round(value: number): number {
  return Math.round(Math.max(value, 0) * 1000) / 1000;
}

function known<K extends string>(key: K, value: number | undefined): { [P in K]?: number } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: number };
}
