import type { Platform } from '../platform/platform.ts';
import type { BlockInfo, BlockStore } from './block.ts';

/** Blocks in memory; a restart of the agent forgets them. */
export function memoryBlocks(): BlockStore {
  const blocks = new Map<number, Uint8Array>();
  return {
    list: async () => [],
    write: async ({ number }, bytes) => void blocks.set(number, bytes),
    read: async ({ number }) => blocks.get(number),
    remove: async ({ number }) => void blocks.delete(number),
  };
}

/** Blocks as files of a folder; their names say all that is known of them, so no index can be wrong. */
export function diskBlocks(platform: Platform, folder: string): BlockStore {
  const pathOf = (info: BlockInfo) => `${folder}/${nameOf(info)}`;
  return {
    list: async () => {
      const infos = (await platform.listFolder(folder)).flatMap((name) => parseName(name) ?? []);
      return infos.sort((a, b) => a.number - b.number);
    },
    write: (info, bytes) => platform.writeFile(pathOf(info), bytes, { sync: false }),
    read: async (info) => {
      const bytes = await platform.readFile(pathOf(info));
      return bytes?.length === info.bytes ? bytes : undefined;
    },
    remove: (info) => platform.removeFile(pathOf(info)),
  };
}

/**
 * `000000000012-1760000000000-1760000002000-262144-kc-3f2a9c01d4e5-7200000.blk`: number, begin and end by the wall clock,
 * bytes; key, continues, set; run, begin in the run.
 */
function nameOf({ number, startMs, endMs, bytes, wallOffsetMs, run, ...is }: BlockInfo): string {
  const times = `${Math.max(0, startMs + wallOffsetMs)}-${Math.max(0, endMs + wallOffsetMs)}`;
  const flags = `${is.key ? 'k' : ''}${is.continues ? 'c' : ''}${is.wasSet ? 's' : ''}`;
  return `${String(number).padStart(12, '0')}-${times}-${bytes}-${flags}-${run}-${startMs}.blk`;
}

/** Without a run, as agents wrote them once, the times are those of the wall clock. */
function parseName(name: string): BlockInfo | undefined {
  const match = /^(\d{12})-(\d{1,15})-(\d{1,15})-(\d{1,9})-(k?)(c?)(s?)(?:-([0-9a-f]{12})-(\d{1,15}))?\.blk$/.exec(
    name,
  );
  if (!match) return undefined;
  const [number, beginMs, endMs, bytes] = match.slice(1, 5).map(Number) as [number, number, number, number];
  const startMs = Number(match[9] ?? beginMs);
  return {
    ...{ number, startMs, endMs: endMs - beginMs + startMs, bytes },
    ...{ run: match[8] ?? 'wall', wallOffsetMs: beginMs - startMs },
    ...{ key: match[5] === 'k', continues: match[6] === 'c', wasSet: match[7] === 's' },
  };
}
