import { randomHex } from './digest.ts';
import type { ServerState } from './server-states.ts';
import { matchControl, parseServerTarget, type ServerTarget } from './server-target.ts';
import type { ServedTrack } from './server-types.ts';

/** A session (RFC 2326 §3): it belongs to the connection it was made on, but over UDP it can outlive that. */
export class RtspServerSession {
  /** Without dashes, which confuse some clients. */
  readonly id = randomHex(8);
  state: ServerState = 'init';
  readonly tracks: ServedTrack[] = [];
  /** Request URL of each track's SETUP. */
  readonly urls: string[] = [];
  /** PLAY may begin anywhere. */
  seekable = false;
  /** The path that was set up or announced. */
  target: ServerTarget | undefined;
  /** `a=control` of the media that the client announced, in their order. */
  announced: readonly string[] | undefined;

  /** True if its packets go over the connection that made it. */
  get isInterleaved(): boolean {
    return this.tracks.some((track) => track.lower === 'tcp');
  }

  /** The track that a request's URL names; undefined where it names all of them. */
  trackNamed(url: string): number | undefined {
    if (this.announced === undefined) return parseServerTarget(url)?.trackIndex;
    return this.announced.length > 1 ? matchControl(url, this.announced) : undefined;
  }

  /** Takes a track out; false if it was not set up. */
  remove(trackIndex: number): boolean {
    const place = this.tracks.findIndex((track) => track.trackIndex === trackIndex);
    if (place >= 0) this.tracks.splice(place, 1);
    return place >= 0;
  }
}
