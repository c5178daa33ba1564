import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { systemClock } from '@watchpost/base/clock.ts';
import type { MachineBoot } from './platform.ts';

/** Less lies within how exactly the two clocks are read. */
const leastSleepMs = 1000;

/** The run of a Linux machine. Where it has no name, each start of the agent counts as one. */
export function machineBoot(): MachineBoot {
  const clockZeroMs = steadyMs() - systemClock.monotonicMs();
  return {
    id: bootId(),
    clockZeroMs,
    // CLOCK_BOOTTIME, which goes on in sleep, less CLOCK_MONOTONIC, which does not; in a container it may be that of the container.
    sleptMs: () => {
      const sleptMs = Math.round(uptime() * 1000 - steadyMs());
      return sleptMs >= leastSleepMs ? sleptMs : 0;
    },
  };
}

function steadyMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

function bootId(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').replaceAll('-', '').slice(0, 12);
    if (/^[0-9a-f]{12}$/.test(id)) return id;
  } catch {
    // Not Linux, or /proc is hidden.
  }
  return globalThis.crypto.randomUUID().slice(-12);
}
