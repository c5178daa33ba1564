/** What a client wants to play or publish. */
export interface RtmpTarget {
  /** `live`; without slashes around it. */
  readonly app: string;
  /** The stream's name; empty where there is none. */
  readonly name: string;
  /** What stood behind `?` in the name, the application and the address, joined with `&`. */
  readonly query: string;
}

/**
 * Puts together what encoders spread over three places: the application of `connect`, its `tcUrl`, and the name of
 * `publish` or `play` (the "stream key"). Some put the name into the application and leave the key empty.
 */
export function parseRtmpTarget(app: string, tcUrl: string, streamName: string): RtmpTarget {
  const [appPath, appQuery] = cut(app);
  const [namePath, nameQuery] = cut(streamName);
  const [, addressQuery] = cut(tcUrl);
  const segments = `${appPath}/${namePath}`.split('/').filter((segment) => segment !== '');
  const queries = [...new Set([nameQuery, appQuery, addressQuery])].filter((query) => query !== '');
  const isNamed = segments.length > 1;
  return {
    app: isNamed ? segments.slice(0, -1).join('/') : '',
    name: segments.at(-1) ?? '',
    query: queries.join('&'),
  };
}

function cut(text: string): [path: string, query: string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
