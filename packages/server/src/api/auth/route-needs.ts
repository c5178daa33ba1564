import type { Role } from '../../catalog/identity/types.ts';

/** What a caller must be for a route. */
export interface RouteNeeds {
  /** The least role; `open` answers without a login. */
  readonly role: Role | 'open';
  /**
   * What it means for somebody who is limited to streams. `one`: the stream (or segment, `~…`) in the path must be one of
   * theirs. `listed`: the handler leaves out what is not theirs. `all`: they are refused. `none`: it concerns no stream.
   */
  readonly streams: 'one' | 'listed' | 'all' | 'none';
}

/** All that a route may need; each route names one in `config.needs`. */
export const needs = {
  /** Nothing: health, logging in. */
  nothing: { role: 'open', streams: 'none' },
  /** To be somebody: what concerns only whoever asks. */
  login: { role: 'viewer', streams: 'none' },
  /** To look at one stream or its recordings. */
  viewStream: { role: 'viewer', streams: 'one' },
  /** To list what one may look at. */
  viewList: { role: 'viewer', streams: 'listed' },
  /** To look at the whole server. */
  viewServer: { role: 'viewer', streams: 'all' },
  /** To move, record, export or talk through one stream. */
  operateStream: { role: 'operator', streams: 'one' },
  /** To see what was made of one's streams, such as exports. */
  operateList: { role: 'operator', streams: 'listed' },
  /** To change one stream that is there. */
  administerStream: { role: 'admin', streams: 'one' },
  /** To change anything else. */
  administer: { role: 'admin', streams: 'all' },
} as const satisfies Readonly<Record<string, RouteNeeds>>;
