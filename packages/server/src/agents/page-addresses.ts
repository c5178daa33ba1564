import { Transform } from 'node:stream';

/** Where a page really is. */
export interface PagePlace {
  readonly host: string;
  readonly port: number;
  readonly tls?: boolean | undefined;
}

/** How the place is written in addresses and `Host`. */
export function authorityOf({ host, port, tls }: PagePlace): string {
  return port === (tls ? 443 : 80) ? nameOf(host) : `${nameOf(host)}:${port}`;
}

/** Addresses of a camera as it writes them, and as the browser that looks at its page has to. */
export class AddressTranslation {
  readonly place: PagePlace;
  /** Of the page, as the browser sees it: `http://watch.example:9553`. */
  readonly origin: string;
  readonly #pattern: RegExp;
  readonly #replacement: (match: string, ...groups: (string | undefined)[]) => string;
  /** A match is never longer. */
  readonly #maxLength: number;

  constructor(place: PagePlace, origin: string) {
    this.place = place;
    this.origin = origin;
    const { host, port, tls } = place;
    const name = nameOf(host).replaceAll(/[^\w-]/g, '\\$&');
    const portPattern = port === (tls ? 443 : 80) ? `(?::${port})?` : `:${port}`;
    const secure = tls ? 's' : '';
    // In scripts slashes are escaped now and then; what follows must not make another host or port of it.
    const pattern = `(?:(http|ws)${secure}:|(["'(=]))(\\\\?/)(\\\\?/)${name}${portPattern}(?![\\w.:-])`;
    this.#pattern = new RegExp(pattern, 'gi');
    this.#maxLength = 'https:'.length + 4 + nameOf(host).length + ':65535'.length;
    const own = /^http(s?):\/\/(.*)$/.exec(origin)!;
    this.#replacement = (_match, scheme, delimiter, first, second) =>
      `${scheme === undefined ? delimiter : `${scheme}${own[1]}:`}${first}${second}${own[2]}`;
  }

  /** A text as a whole. */
  translate(text: string): string {
    return text.replaceAll(this.#pattern, this.#replacement);
  }

  /** Where a redirect leads: a path of this page, or what it was. */
  redirect(location: string): string {
    const { host } = this.place;
    const secure = this.place.tls ? 's' : '';
    const own = [`http${secure}://${authorityOf(this.place)}`, `http${secure}://${nameOf(host)}:${this.place.port}`];
    const prefix = own.find((origin) => location === origin || location.startsWith(`${origin}/`));
    if (prefix !== undefined) return atRoot(location.slice(prefix.length));
    return this.secured(location) ? atRoot(location.replace(/^https:\/\/[^/]*/i, '')) : location;
  }

  /** The place that a redirect from HTTP to HTTPS of the same host leads to. */
  secured(location: string | undefined): PagePlace | undefined {
    if (this.place.tls || location === undefined || !/^https:/i.test(location) || !URL.canParse(location))
      return undefined;
    const { hostname, port } = new URL(location);
    if (hostname !== nameOf(this.place.host).toLowerCase()) return undefined;
    return { ...this.place, port: port === '' ? 443 : Number(port), tls: true };
  }

  /** Translates a text of any length, of any encoding that has ASCII in it, as it passes by. */
  stream(): Transform {
    let rest = '';
    const pass = (text: string, limit: number) => {
      let translated = '';
      let at = 0;
      this.#pattern.lastIndex = 0;
      for (let match = this.#pattern.exec(text); match && match.index < limit; match = this.#pattern.exec(text)) {
        translated += text.slice(at, match.index) + this.#replacement(match[0], ...match.slice(1));
        at = match.index + match[0].length;
      }
      const end = Math.max(at, Math.min(limit, text.length));
      rest = text.slice(end);
      return Buffer.from(translated + text.slice(at, end), 'latin1');
    };
    return new Transform({
      // What begins later may go on in the next chunk, or be followed by what makes another address of it.
      transform: (chunk: Buffer, _encoding, done) => {
        const text = rest + chunk.toString('latin1');
        done(null, pass(text, text.length - this.#maxLength - 1));
      },
      flush: (done) => done(null, pass(rest, Number.POSITIVE_INFINITY)),
    });
  }
}

function atRoot(path: string): string {
  return path.startsWith('/') ? path.replace(/^\/+/, '/') : `/${path}`;
}

function nameOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
