import { WatchpostError } from '@watchpost/base/errors.ts';
import type { RtpMap, SdpAttribute, SdpDirection, SdpSession } from './sdp.ts';

const maxBytes = 128 * 1024;
const maxLines = 2048;
const maxLineChars = 8192;
const maxMedia = 64;
const maxFormats = 128;
const maxParameters = 64;

interface Section {
  kind: string;
  port: number;
  profile: string;
  payloadTypes: number[];
  address?: string;
  direction?: SdpDirection;
  control?: string;
  rtpmaps: Map<number, RtpMap>;
  fmtps: Map<number, Record<string, string>>;
  attributes: SdpAttribute[];
}

interface Head {
  origin?: string;
  name?: string;
  address?: string;
  direction?: SdpDirection;
  control?: string;
  range?: string;
  attributes: SdpAttribute[];
}

/**
 * Reads a session description (RFC 8866 §5), as tolerantly as cameras demand: any order, missing `v=`, `o=` and `t=`,
 * repeated `s=`, `c=` without address type, `m=` with words where numbers belong. A line that cannot be read is passed
 * over. Throws `malformed` (`SDP_MALFORMED`, `SDP_TOO_LARGE`) for what holds no line of SDP or goes beyond bounds.
 */
export function parseSdp(input: string | Uint8Array): SdpSession {
  if (input.length > maxBytes) throw tooLarge(`${maxBytes} bytes`);
  const text = typeof input === 'string' ? input : new TextDecoder().decode(input);
  const lines = text.split(/\r\n|\r|\n/);
  if (lines.length > maxLines) throw tooLarge(`${maxLines} lines`);
  const head: Head = { attributes: [] };
  const media: Section[] = [];
  let known = 0;
  for (const raw of lines) {
    const line = raw.replaceAll('\0', '').trim();
    if (line.length > maxLineChars) throw tooLarge(`${maxLineChars} characters in a line`);
    if (line[1] !== '=' || !/[a-z]/.test(line[0]!)) continue;
    known += 1;
    const value = line.slice(2).trim();
    if (line[0] === 'm') {
      if (media.length >= maxMedia) throw tooLarge(`${maxMedia} media`);
      media.push(parseMediaLine(value));
      continue;
    }
    const section = media[media.length - 1];
    if (section) parseMediaField(section, line[0]!, value);
    else parseSessionField(head, line[0]!, value);
  }
  if (known === 0) {
    throw new WatchpostError('the answer holds no session description — check that the URL names a stream', {
      kind: 'malformed',
      code: 'SDP_MALFORMED',
    });
  }
  return { ...head, media };
}

/** `a=b;c=d` of an `a=fmtp` into names (lower case) and values; a name without value gets `''`. */
export function parseFmtp(text: string): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null);
  for (const part of text.split(';').slice(0, maxParameters)) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (name !== '') parameters[name] = equals < 0 ? '' : part.slice(equals + 1).trim();
  }
  return { ...parameters };
}

function parseSessionField(head: Head, type: string, value: string): void {
  if (type === 'o') head.origin ??= value;
  else if (type === 's') head.name ??= value;
  else if (type === 'c') setAddress(head, value);
  else if (type === 'a') {
    const [name, content] = parseAttribute(value);
    head.attributes.push([name, content]);
    if (name === 'control' && content) head.control ??= content;
    else if (name === 'range' && content) head.range ??= content;
    else if (isDirection(name)) head.direction = name;
  }
}

function parseMediaLine(value: string): Section {
  const [kind = '', port = '', profile = '', ...formats] = value.split(/\s+/);
  return {
    kind: kind.toLowerCase(),
    port: /^\d{1,5}(\/\d+)?$/.test(port) ? Number.parseInt(port, 10) : 0,
    profile: profile.toUpperCase(),
    payloadTypes: [
      ...new Set(
        formats
          .slice(0, maxFormats)
          .filter((format) => /^\d{1,3}$/.test(format))
          .map(Number)
          .filter((payloadType) => payloadType <= 127),
      ),
    ],
    rtpmaps: new Map(),
    fmtps: new Map(),
    attributes: [],
  };
}

function parseMediaField(section: Section, type: string, value: string): void {
  if (type === 'c') setAddress(section, value);
  if (type !== 'a') return;
  const [name, content] = parseAttribute(value);
  section.attributes.push([name, content]);
  if (name === 'control' && content) section.control ??= content;
  else if (isDirection(name)) section.direction = name;
  else if (name === 'rtpmap' && content) parseRtpmap(section, content);
  else if (name === 'fmtp' && content) {
    const fmtp = /^(\d{1,3})[\s;]+(.*)$/.exec(content);
    // Some cameras write one parameter to a line: they add up.
    if (fmtp) {
      const payloadType = Number(fmtp[1]);
      section.fmtps.set(payloadType, { ...section.fmtps.get(payloadType), ...parseFmtp(fmtp[2]!) });
    }
  }
}

function parseRtpmap(section: Section, content: string): void {
  const match = /^(\d{1,3})\s+([^/\s]+)(?:\s*\/\s*(\d{1,7}))?(?:\s*\/\s*(\d{1,3}))?/.exec(content);
  if (!match || Number(match[1]) > 127) return;
  const clockRate = Number(match[3] ?? 0);
  const channels = Number(match[4] ?? 0);
  section.rtpmaps.set(Number(match[1]), {
    name: match[2]!,
    ...(clockRate > 0 ? { clockRate } : {}),
    ...(channels > 0 ? { channels } : {}),
  });
}

function parseAttribute(value: string): SdpAttribute {
  const colon = value.indexOf(':');
  if (colon < 0) return [value.trim().toLowerCase(), undefined];
  return [value.slice(0, colon).trim().toLowerCase(), value.slice(colon + 1).trim()];
}

/** `IN IP4 192.0.2.1/127`, and `IN 192.0.2.1` as some cameras write it. */
function setAddress(target: { address?: string }, value: string): void {
  const address = value.split(/\s+/).at(-1)?.split('/')[0];
  if (address && /^[0-9a-zA-Z.:-]+$/.test(address) && !/^(IN|IP[46])$/i.test(address)) target.address ??= address;
}

function isDirection(name: string): name is SdpDirection {
  return name === 'sendrecv' || name === 'sendonly' || name === 'recvonly' || name === 'inactive';
}

function tooLarge(limit: string): WatchpostError {
  return new WatchpostError(`a session description is too large: ${limit} at most`, {
    kind: 'malformed',
    code: 'SDP_TOO_LARGE',
  });
}
