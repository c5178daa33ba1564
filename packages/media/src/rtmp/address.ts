import { WatchpostError } from '@watchpost/base/errors.ts';
import { authorityOf, parseSourceUrl } from '@watchpost/base/source-url.ts';

/** The parts of an `rtmp://` address as `connect` and `play` take them. */
export interface RtmpAddress {
  readonly app: string;
  /** With its query. */
  readonly name: string;
  /** The address of the application. */
  readonly tcUrl: string;
}

/**
 * Splits an address: the first part of the path is the application, the rest the stream, as most servers have it; an
 * application of several parts is told by `/` before the name: `rtmp://host/app/instance//name`. Throws `invalid_argument`.
 */
export function parseRtmpAddress(url: string): RtmpAddress {
  const { scheme, host, port, path } = parseSourceUrl(url);
  const query = path.indexOf('?');
  const plain = query < 0 ? path : path.slice(0, query);
  const rest = query < 0 ? '' : path.slice(query);
  const double = plain.indexOf('//', 1);
  const cut = double > 0 ? double : plain.indexOf('/', 1);
  const app = plain.slice(1, cut < 0 ? undefined : cut);
  const name = cut < 0 ? '' : plain.slice(cut).replace(/^\/+/, '');
  if (app === '' || name === '') {
    throw new WatchpostError('an RTMP address names an application and a stream: write it as "rtmp://HOST/live/NAME"', {
      kind: 'invalid_argument',
      code: 'RTMP_ADDRESS',
    });
  }
  return { app, name: name + rest, tcUrl: `${scheme}://${authorityOf(host, port)}/${app}` };
}
