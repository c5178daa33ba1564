/** Where a DESCRIBE reply may say what its control attributes are relative to. */
export interface BaseUrlSources {
  /** The URL that was described, without credentials. */
  readonly requestUrl: string;
  /** `a=control` of the session section. */
  readonly sessionControl?: string | undefined;
  readonly contentBase?: string | undefined;
  readonly contentLocation?: string | undefined;
}

/**
 * The base URL of a session (RFC 2326 appendix C.1.1): an absolute session control, else Content-Base, else
 * Content-Location, else the URL asked for. Broken forms that cameras send are repaired; what cannot be is passed over.
 */
export function resolveBaseUrl(sources: BaseUrlSources): string {
  const { requestUrl, sessionControl } = sources;
  const base =
    repairUrl(sources.contentBase, requestUrl) ?? repairUrl(sources.contentLocation, requestUrl) ?? requestUrl;
  if (!sessionControl || sessionControl === '*') return base;
  if (isAbsolute(sessionControl)) return repairUrl(sessionControl, requestUrl) ?? base;
  return joinControl(base, sessionControl);
}

/**
 * The URL of one media section. An absolute control stands for itself; `*` and nothing mean the base; anything else is
 * appended with exactly one `/` between, after the query if there is one, as cameras expect it (Dahua:
 * `…realmonitor?channel=1&subtype=0/trackID=0`).
 */
export function joinControl(base: string, control: string): string {
  if (control === '' || control === '*') return base;
  if (isAbsolute(control)) return repairUrl(control, base) ?? base;
  if (control.startsWith('?')) return `${base.replace(/\/$/, '')}${control}`;
  return `${base.replace(/\/+$/, '')}/${control.replace(/^\/+/, '')}`;
}

/** Scheme, host and port of a URL, credentials left out; undefined if it has none. */
export function originOf(url: string): string | undefined {
  const match = /^(rtsps?):\/\/(?:[^/?#]*@)?(\[[0-9a-fA-F:.%]+\]|[^/?#:@]+)(:\d{1,5})?(?=[/?#]|$)/i.exec(url);
  return match ? `${match[1]!.toLowerCase()}://${match[2]}${match[3] ?? ''}` : undefined;
}

function isAbsolute(url: string): boolean {
  return /^rtspu?s?:\/\//i.test(url);
}

function repairUrl(value: string | undefined, requestUrl: string): string | undefined {
  if (value === undefined) return undefined;
  let text = value.trim().replace(/^["<]|[">]$/g, '');
  if (text === '' || /\s/.test(text)) return undefined;
  // Some write the scheme twice: `rtsp://rtsp://192.0.2.1/…`.
  text = text.replace(/^(?:rtsps?:\/\/)+(?=rtsps?:\/\/)/i, '');
  const origin = originOf(requestUrl) ?? '';
  if (isAbsolute(text)) {
    // An IPv6 address without brackets: `rtsp://::ffff:192.0.2.1:554/…`. Its host is the one we are talking to.
    const bare = /^rtsps?:\/\/(?:[^/?#@]*@)?([^/?#@]*)(.*)$/is.exec(text)!;
    const isBroken = /:.*:/.test(bare[1]!) && !bare[1]!.startsWith('[');
    if (isBroken || bare[1] === '') return origin + bare[2];
    return text.replace(/^(rtsps?:\/\/)[^/?#@]*@/i, '$1');
  }
  // Without a scheme: `192.0.2.1:1935/`.
  const hostOnly = /^(\[[0-9a-fA-F:.]+\]|\d{1,3}(?:\.\d{1,3}){3}|[A-Za-z0-9.-]+(?=:\d))(:\d{1,5})?(?:\/|$)/.exec(text);
  if (hostOnly) return `${/^rtsps/i.test(requestUrl) ? 'rtsps' : 'rtsp'}://${text}`;
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined;
  // Relative: to the root if it begins with a slash, else to the URL that was asked for.
  if (text.startsWith('/')) return origin + text;
  return requestUrl.replace(/[?#].*$/s, '').replace(/[^/]*$/, '') + text;
}
