import { WatchpostError } from '@watchpost/base/errors.ts';
import { redactUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import type { MediaTransport } from '@watchpost/media/rtsp/client-setup.ts';

/** A camera's address, taken apart: how to reach it, and what stands behind its `#`. */
export interface RtspSource {
  /** What the camera is asked for, without options: `rtsp://192.0.2.10/main`. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** RTSP inside of HTTP, for cameras behind firewalls that let nothing else through. */
  readonly httpTunnel: boolean;
  /** In order of preference; undefined where the settings decide. */
  readonly transports: readonly MediaTransport[] | undefined;
  /** SHA-256 of the camera's certificate, 64 hex digits in lower case. */
  readonly fingerprint: string | undefined;
  /** `a…b` of a recording, ms since 1970 UTC; undefined for the live picture. */
  readonly replay: ReplayRange | undefined;
}

/** A recorded range (ONVIF Streaming Specification §6). */
export interface ReplayRange {
  readonly startMs: number;
  /** To the end of the recording where it is missing. */
  readonly endMs?: number;
}

const schemes: Readonly<
  Record<string, { readonly tls: boolean; readonly httpTunnel: boolean; readonly port: number }>
> = {
  rtsp: { tls: false, httpTunnel: false, port: 554 },
  rtsps: { tls: true, httpTunnel: false, port: 322 },
  'rtsp+http': { tls: false, httpTunnel: true, port: 80 },
  'rtsps+http': { tls: true, httpTunnel: true, port: 443 },
  'rtsp+tunnel': { tls: false, httpTunnel: false, port: 554 },
};

const transportNames: readonly MediaTransport[] = ['tcp', 'udp', 'multicast'];
const names = ['transport', 'fingerprint', 'replay'] as const;
type OptionName = (typeof names)[number];

/** Schemes of addresses that are pulled. */
export const pullSchemes: readonly string[] = ['rtsp', 'rtsps', 'rtsp+http', 'rtsps+http', 'rtsp+tunnel'];

/**
 * Reads an address with its options: `rtsp://HOST/PATH#transport=udp,tcp&fingerprint=HEX&replay=START/END`. What stands
 * behind `#` never goes to a server (RFC 3986 §3.5), so nothing that a camera knows is in the way; what has no option's
 * form belongs to the path. Throws `invalid_argument` (`RTSP_OPTION_INVALID`) with the cure.
 */
export function readSource(source: SourceUrl): RtspSource {
  const { url, options } = splitOptions(source.url);
  const form = schemes[source.scheme] ?? schemes['rtsp']!;
  // Datagrams beside the connection would not be tunnelled; nor secure, unless the camera encrypts them itself (SRTP).
  const isWrapped = form.httpTunnel || source.scheme === 'rtsp+tunnel';
  const fingerprint = options.get('fingerprint');
  const replay = options.get('replay');
  const transports = readTransports(options.get('transport'));
  return {
    url: url.replace(/^[a-z0-9+]+:/i, form.tls ? 'rtsps:' : 'rtsp:'),
    host: source.host,
    port: source.port ?? form.port,
    tls: form.tls,
    httpTunnel: form.httpTunnel,
    // A recording comes as fast as we read, which nothing but a connection can be told.
    transports: isWrapped || replay !== undefined ? ['tcp'] : (transports ?? (form.tls ? ['tcp'] : undefined)),
    fingerprint: fingerprint === undefined ? undefined : readFingerprint(fingerprint),
    replay: replay === undefined ? undefined : readReplay(replay),
  };
}

/** Whether `readSource` takes it; throws what that throws. */
export function checkSource(source: SourceUrl): void {
  readSource(source);
}

function splitOptions(whole: string): { url: string; options: ReadonlyMap<OptionName, string> } {
  const hash = whole.indexOf('#');
  const text = hash < 0 ? '' : whole.slice(hash + 1);
  if (!/^[a-z_]+=/.test(text)) return { url: whole, options: new Map() };
  const options = new Map<OptionName, string>();
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    const name = names.find((known) => known === part.slice(0, Math.max(equals, 0)));
    if (name === undefined)
      throw invalid(`"${part}" in "${redactUrl(whole)}" is no option`, `known after "#": ${names.join(', ')}`);
    options.set(name, part.slice(equals + 1));
  }
  return { url: whole.slice(0, hash), options };
}

function readTransports(text: string | undefined): readonly MediaTransport[] | undefined {
  if (text === undefined) return undefined;
  const wanted = text.split(',');
  const known = transportNames.filter((name) => wanted.includes(name));
  if (known.length < wanted.length)
    throw invalid(`"transport=${text}" is unknown`, `write one or more of ${transportNames.join(',')}`);
  return wanted as MediaTransport[];
}

function readFingerprint(text: string): string {
  const hex = text
    .replace(/^sha-?256:/i, '')
    .replaceAll(':', '')
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  throw invalid(`"fingerprint=${text}" is no SHA-256 fingerprint`, 'write its 64 hex digits, with or without ":"');
}

function readReplay(text: string): ReplayRange {
  const [from = '', to = '', ...more] = text.split('/');
  const startMs = instantOf(from);
  const endMs = to === '' ? undefined : instantOf(to);
  const isRange = more.length === 0 && startMs !== undefined && (to === '' || (endMs !== undefined && endMs > startMs));
  if (!isRange)
    throw invalid(`"replay=${text}" is no range`, 'write "replay=2026-11-20T11:49:00Z/2026-11-20T11:50:00Z"');
  return { startMs, ...(endMs !== undefined && { endMs }) };
}

function instantOf(text: string): number | undefined {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function invalid(what: string, cure: string): WatchpostError {
  return new WatchpostError(`${what} — ${cure}`, { kind: 'invalid_argument', code: 'RTSP_OPTION_INVALID' });
}
