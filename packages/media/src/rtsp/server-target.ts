import type { SdpAttribute, SdpSession } from '../sdp/sdp.ts';

/** What a request URL asks for. */
export interface ServerTarget {
  /** As the request line has it. */
  readonly url: string;
  /** Percent-decoded, beginning with `/`, without a trailing one. */
  readonly path: string;
  /** Without `?`; empty if there is none. */
  readonly query: string;
  /** `N` of `trackID=N`, or undefined where the URL names no track. */
  readonly trackIndex?: number;
}

/** The one request target that is no path (RFC 2326 §6.1). */
export const everything: ServerTarget = { url: '*', path: '/', query: '' };

/**
 * Takes a request URL apart. `trackID=N` may follow the path (GStreamer) or the query (FFmpeg appends it to the whole
 * base URL). Undefined for `*` and for what is no path.
 */
export function parseServerTarget(url: string): ServerTarget | undefined {
  const rest = url.replace(/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*/, '');
  if (rest !== '' && !/^[/?]/.test(rest)) return undefined;
  const track = /\/?trackID=(\d{1,3})\/?$/.exec(rest) ?? /\/trackID=(\d{1,3})(?=\?)/.exec(rest);
  const whole = track ? rest.slice(0, track.index) + rest.slice(track.index + track[0].length) : rest;
  const mark = whole.indexOf('?');
  const rawPath = (mark < 0 ? whole : whole.slice(0, mark)).replace(/\/+$/, '');
  const query = mark < 0 ? '' : whole.slice(mark + 1).replace(/\/+$/, '');
  let path: string;
  try {
    path = decodeURIComponent(rawPath);
  } catch {
    return undefined;
  }
  if (path.includes('\0') || path.split('/').includes('..')) return undefined;
  return { url, path: path || '/', query, ...(track ? { trackIndex: Number(track[1]) } : {}) };
}

/**
 * A description asked for by a URL with a query: its tracks have whole URLs, with the query behind `trackID=N`. Of a relative
 * control each client makes something else (RFC 2326 appendix C.1.1): GStreamer drops the query and the last step of the path,
 * and with them a signed token.
 */
export function keepQuery(sdp: SdpSession, url: string): SdpSession {
  const parts = /^([a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^?#]*?)\/*(\?[^#]+)/.exec(url);
  if (!parts) return sdp;
  const [, base, query] = parts;
  const withQuery = ([name, value]: SdpAttribute): SdpAttribute =>
    name === 'control' && /^trackID=\d+$/.test(value ?? '') ? [name, `${base}/${value}${query}`] : [name, value];
  return { ...sdp, media: sdp.media.map((media) => ({ ...media, attributes: media.attributes.map(withQuery) })) };
}

/**
 * Which announced medium a SETUP means: its control follows the path (GStreamer) or the query (FFmpeg), or is the whole
 * URL. Undefined where none fits, and where there are several and the URL names none.
 */
export function matchControl(url: string, controls: readonly string[]): number | undefined {
  let best: number | undefined;
  for (const [index, control] of controls.entries()) {
    if (control === '') continue;
    const fits = url === control || url.endsWith(`/${control}`) || url.includes(`/${control}?`);
    if (fits && (best === undefined || control.length > controls[best]!.length)) best = index;
  }
  return best ?? (controls.length === 1 ? 0 : undefined);
}
