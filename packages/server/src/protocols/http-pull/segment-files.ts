import { createDecipheriv } from 'node:crypto';
import { toWatchpostError, WatchpostError } from '@watchpost/base/errors.ts';
import type { PlaylistKey, PlaylistMap, PlaylistSegment } from '@watchpost/media/playlist/m3u8.ts';
import type { TimedUnit } from '../../hub/timed-units.ts';
import { SegmentDemuxer } from './demux-segment.ts';
import type { HttpSource } from './http-source.ts';

const maxSegmentBytes = 64 * 1024 * 1024;
const maxInitBytes = 1024 * 1024;
const keyBytes = 16;

/** Where a segment is named: the address of its list, and its number there. */
export interface SegmentPlace {
  readonly url: string;
  readonly sequence: number;
}

/** Fetches the segments of one list, with their init segments and keys, and takes them apart. */
export class SegmentFiles {
  readonly #source: HttpSource;
  readonly #demuxer = new SegmentDemuxer();
  #init: { readonly key: string; readonly bytes: Uint8Array } | undefined;
  #key: { readonly url: string; readonly bytes: Uint8Array } | undefined;

  constructor(source: HttpSource) {
    this.#source = source;
  }

  /** All units of a segment in order of decoding time. */
  async read(segment: PlaylistSegment, place: SegmentPlace): Promise<readonly TimedUnit[]> {
    checkMethod(segment.key);
    const init = segment.map === undefined ? undefined : await this.#initOf(segment.map, place);
    const url = resolveUri(segment.uri, place.url);
    const { bytes } = await this.#source.read(url, maxSegmentBytes, rangeOf(segment.range));
    return this.#demuxer.read(await this.#decrypt(bytes, segment.key, place), init);
  }

  async #initOf(map: PlaylistMap, place: SegmentPlace): Promise<Uint8Array> {
    const url = resolveUri(map.uri, place.url);
    const key = `${url} ${rangeOf(map.range)}`;
    if (this.#init?.key !== key) {
      const { bytes } = await this.#source.read(url, maxInitBytes, rangeOf(map.range));
      // An init segment is encrypted only with an IV of its own (RFC 8216 §4.3.2.5).
      const plain = map.key?.iv === undefined ? bytes : await this.#decrypt(bytes, map.key, place);
      this.#init = { key, bytes: plain };
    }
    return this.#init.bytes;
  }

  /** AES-128 in CBC over the whole file (RFC 8216 §4.3.2.4). */
  async #decrypt(bytes: Uint8Array, key: PlaylistKey | undefined, place: SegmentPlace): Promise<Uint8Array> {
    if (key === undefined) return bytes;
    checkMethod(key);
    const keyUrl = resolveUri(key.uri, place.url);
    if (this.#key?.url !== keyUrl) this.#key = { url: keyUrl, bytes: (await this.#source.read(keyUrl, 1024)).bytes };
    if (this.#key.bytes.length !== keyBytes) throw unusable('the key of the segments has not 16 bytes');
    const iv = Buffer.from(key.iv ?? place.sequence.toString(16).padStart(32, '0'), 'hex');
    try {
      const decipher = createDecipheriv('aes-128-cbc', this.#key.bytes, iv);
      return Buffer.concat([decipher.update(bytes), decipher.final()]);
    } catch (thrown) {
      this.#key = undefined;
      throw toWatchpostError(thrown, 'HLS_DECRYPT');
    }
  }
}

function checkMethod(key: PlaylistKey | undefined): void {
  if (key !== undefined && key.method !== 'AES-128') throw unusable(`segments are encrypted with ${key.method}`);
}

function rangeOf(range: PlaylistSegment['range']): string | undefined {
  return range === undefined ? undefined : `bytes=${range.offset}-${range.offset + range.length - 1}`;
}

/** An address of a list, as a whole one. Throws `unsupported` for what is not HTTP. */
export function resolveUri(uri: string, base: string): string {
  const url = URL.canParse(uri, base) ? new URL(uri, base) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href;
  throw unusable(`"${uri.slice(0, 100)}" cannot be fetched`);
}

/** A playlist that asks for what is not there. */
export function unusable(what: string): WatchpostError {
  return new WatchpostError(`The playlist cannot be played: ${what}`, {
    kind: 'unsupported',
    code: 'HLS_UNSUPPORTED',
  });
}
