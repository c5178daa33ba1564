import { concatBytes } from '@watchpost/base/bytes.ts';
import { type Container, suffixOf } from './container.ts';
import type { LivePlaylist } from './live-playlist.ts';

/** A file that a playlist names. */
export interface MediaFile {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** Its name is never used again: what is under it never changes. */
  readonly isFixed: boolean;
}

const mediaTypes: Readonly<Record<Container, string>> = { ts: 'video/mp2t', fmp4: 'video/mp4' };
/** The init segment of the newest segment; playlists name versions, as this one changes. */
const newestInit = 'init.mp4';

/** What is under a name; waits for the part that comes next. Undefined where there is nothing, or no longer. */
export async function findMedia(
  file: string,
  playlistOf: (container: Container) => LivePlaylist | undefined,
): Promise<MediaFile | undefined> {
  const container = file.endsWith(`.${suffixOf.ts}`) ? 'ts' : 'fmp4';
  const playlist = playlistOf(container);
  const bytes = playlist && (await bytesOf(file, playlist, suffixOf[container]));
  return bytes && { bytes, mediaType: mediaTypes[container], isFixed: file !== newestInit };
}

async function bytesOf(file: string, playlist: LivePlaylist, suffix: string): Promise<Uint8Array | undefined> {
  if (file === newestInit) return playlist.init();
  const [, kind, digits, ending] = /^(init|segment|whole|part)_(\d{1,15})\.(mp4|m4s|ts)$/.exec(file) ?? [];
  const number = Number(digits);
  if (kind === 'init') return ending === 'mp4' ? playlist.init(number) : undefined;
  if (ending !== suffix) return undefined;
  if (kind === 'part') return playlist.part(number);
  const segment = playlist.segment(number);
  if (kind === 'segment' || segment?.init === undefined) return segment?.bytes;
  return concatBytes([segment.init.bytes, segment.bytes]);
}
