import type { Stream } from '../api/types.ts';

/** Why a stream cannot be changed here; null where it can. One that its viewers made has an address. */
export function originNote({ origin, source_url: url }: Pick<Stream, 'origin' | 'source_url'>) {
  if (origin === 'api') return null;
  if (origin === 'file') return 'stream.in_file';
  return url === null ? 'stream.by_publisher' : 'stream.by_viewer';
}
