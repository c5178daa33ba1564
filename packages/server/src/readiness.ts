import type { ReadinessCheck } from './api/dependencies.ts';
import type { StorageReport } from './recorder/storage-report.ts';

/** What readiness depends on. */
export interface ReadinessParts {
  storageReport(): Promise<StorageReport>;
  /** Whether anything may be recorded at all. */
  isRecording(): boolean;
}

const broken = ['missing', 'error'];

/**
 * Whether the server can do its work, for load balancers and orchestrators: they take a server that cannot out of service,
 * live pictures with it. One disk of several may be away, since recording goes on on the others. Everybody may ask: no
 * path is told.
 */
export function readinessOf({ storageReport, isRecording }: ReadinessParts): readonly ReadinessCheck[] {
  return [
    {
      name: 'storage',
      check: async () => {
        const { backends } = await storageReport();
        const away = backends.filter(({ state }) => broken.includes(state));
        // Live pictures go on, and a load balancer would take them away.
        const full = backends.filter(({ state }) => state === 'full').map(({ name }) => `"${name}"`);
        if (away.length === 0)
          return { ok: true, ...(full.length > 0 && { message: `no room for recordings: ${full.join(', ')} (full)` }) };
        const names = away.map(({ name, state }) => `"${name}" (${state})`).join(', ');
        if (!isRecording()) return { ok: true, message: `recordings cannot be played from ${names}` };
        const works = away.length < backends.length;
        return {
          ok: works,
          message: works ? `recording goes on without ${names}` : `nothing can be recorded: ${names}`,
        };
      },
    },
    {
      name: 'catalog',
      check: async () => {
        const { catalogFailure } = await storageReport();
        if (catalogFailure === undefined) return { ok: true };
        return { ok: false, message: `recordings are not indexed: ${catalogFailure}` };
      },
    },
  ];
}
