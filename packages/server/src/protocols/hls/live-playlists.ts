import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { LiveFmp4 } from '../../hub/live-fmp4/live-muxer.ts';
import type { Stream } from '../../hub/stream.ts';
import type { Container } from './container.ts';
import { LivePlaylist } from './live-playlist.ts';
import type { HlsSettings } from './section.ts';

/**
 * Numbers of segments begin with the half seconds since 2024 UTC: they grow over restarts, as no segment but one cut off
 * by its camera is so short, and fit into 31 bits until 2058.
 */
const numbersSinceMs = Date.UTC(2024, 0, 1);
const msPerNumber = 500;
/**
 * Discontinuities are counted from the tens of minutes since then, so that a player that goes on after a restart sees a greater
 * number: with an equal or lesser one it takes new time stamps for old ones. hls.js walks an array that is as long as the
 * number is large, for each update, and numbers like those of segments stop a browser for seconds.
 */
const msPerDiscontinuity = 600_000;
/**
 * Those of the second quality are counted from elsewhere: its sessions are others than those of the first, and equal
 * numbers would say that their time stamps match (RFC 8216 §6.2.4). Players match them by EXT-X-PROGRAM-DATE-TIME.
 */
const subDiscontinuities = 10_000;
const subSuffix = '.sub';

/** What live playlists are made with. */
export interface LivePlaylistsOptions {
  readonly live: LiveFmp4;
  readonly clock: Clock;
  /** Those of the playlists that begin now; one that has others ends when somebody asks for it. */
  readonly settings: () => HlsSettings;
}

/** The playlists that are alive, each for one stream and container. */
export class LivePlaylists {
  readonly #options: LivePlaylistsOptions;
  readonly #playlists: Readonly<Record<Container, Map<Stream, LivePlaylist>>> = { ts: new Map(), fmp4: new Map() };
  readonly #last = new Map<string, { readonly number: number; readonly discontinuity: number }>();

  constructor(options: LivePlaylistsOptions) {
    this.#options = options;
  }

  /** How many are alive. */
  get count(): number {
    return this.#playlists.ts.size + this.#playlists.fmp4.size;
  }

  /** The playlist, if it is alive. */
  get(stream: Stream, container: Container): LivePlaylist | undefined {
    return this.#playlists[container].get(stream);
  }

  /** The playlist; begins it where it is not alive. */
  open(stream: Stream, container: Container): LivePlaylist {
    const playlists = this.#playlists[container];
    const settings = this.#options.settings();
    const known = playlists.get(stream);
    if (known !== undefined && isMadeAs(known.settings, settings)) return known;
    known?.close(new WatchpostError('It goes on with other settings', { kind: 'unavailable', code: 'HLS_SETTINGS' }));
    const playlist: LivePlaylist = new LivePlaylist({
      ...this.#options,
      settings,
      stream,
      container,
      ...this.#first(stream, container),
      onEnd: (ended) => {
        playlists.delete(stream);
        const known = this.#last.get(stream.id);
        this.#last.set(stream.id, {
          number: Math.max(ended.number, known?.number ?? 0),
          discontinuity: Math.max(ended.discontinuity, known?.discontinuity ?? 0),
        });
      },
    });
    if (!playlist.hasEnded) playlists.set(stream, playlist);
    return playlist;
  }

  /** Ends them all. */
  close(reason: WatchpostError): void {
    for (const playlists of Object.values(this.#playlists)) {
      for (const playlist of [...playlists.values()]) playlist.close(reason);
    }
  }

  #first(stream: Stream, container: Container): { firstNumber: number; firstDiscontinuity: number } {
    const sinceMs = this.#options.clock.wallMs() - numbersSinceMs;
    const last = this.#last.get(stream.id) ?? { number: 0, discontinuity: 0 };
    // A player that is moved from one container to the other finds that numbers go on.
    const other = this.get(stream, container === 'ts' ? 'fmp4' : 'ts');
    const apart = stream.id.endsWith(subSuffix) ? subDiscontinuities : 0;
    const begun = Math.floor(sinceMs / msPerDiscontinuity) + apart;
    return {
      firstNumber: Math.max(1, Math.floor(sinceMs / msPerNumber), last.number + 1, other?.nextNumber ?? 0),
      firstDiscontinuity: Math.max(0, begun, last.discontinuity + 1, (other?.discontinuities ?? 0) + 1),
    };
  }
}

function isMadeAs(some: HlsSettings, others: HlsSettings): boolean {
  return (
    some.segmentDurationMs === others.segmentDurationMs &&
    some.playlistLength === others.playlistLength &&
    some.lowLatency === others.lowLatency
  );
}
