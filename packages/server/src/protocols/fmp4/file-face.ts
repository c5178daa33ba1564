import type { Duplex } from 'node:stream';
import { equalBytes } from '@watchpost/base/bytes.ts';
import type { WatchpostError } from '@watchpost/base/errors.ts';
import type { Track } from '@watchpost/media/types.ts';
import type { LiveChunk, LiveInit } from '../../hub/live-fmp4/live-chunk.ts';
import type { ViewerFace } from '../../hub/live-viewer.ts';
import type { EndlessAnswer } from '../../net/media-answer.ts';

/** Media type of the answer. */
export const fmp4Type = 'video/mp4';

/**
 * A file that never ends, over plain HTTP: the init segment, then the chunks that all viewers get. Where only the parameter
 * sets of pictures are new, another init segment comes in between: Chromium, VLC and GStreamer take it, FFmpeg skips it and
 * has the sets from the key pictures. With another codec, or other sound, the file ends, and players ask again.
 */
export class FileFace implements ViewerFace<LiveChunk> {
  readonly socket: Duplex;
  readonly #answer: EndlessAnswer;
  #init: LiveInit | undefined;

  constructor(answer: EndlessAnswer) {
    this.#answer = answer;
    this.socket = answer.socket;
  }

  takes({ init }: LiveChunk): boolean {
    return this.#init === undefined || init === this.#init || canFollow(init.tracks, this.#init.tracks);
  }

  show(chunk: LiveChunk): Uint8Array {
    if (this.#init === undefined) this.#answer.begin();
    if (this.#init !== chunk.init) this.socket.write(chunk.init.bytes);
    this.#init = chunk.init;
    return chunk.bytes;
  }

  end(reason: WatchpostError, hasBegun: boolean): void {
    this.#answer.end(reason, hasBegun);
  }
}

/** True where a decoder that was set up for `before` goes on: parameter sets of pictures are in band, too. */
function canFollow(tracks: readonly Track[], before: readonly Track[]): boolean {
  return tracks.length === before.length && tracks.every((track, i) => canFollowTrack(track, before[i]!));
}

function canFollowTrack(track: Track, before: Track): boolean {
  const { id, codec, clockRate, channels, parameterSets } = track;
  if (id !== before.id || codec !== before.codec || clockRate !== before.clockRate) return false;
  if (codec === 'h264' || codec === 'h265') return true;
  if (channels !== before.channels || parameterSets.length !== before.parameterSets.length) return false;
  return parameterSets.every((set, i) => equalBytes(set, before.parameterSets[i]!));
}
