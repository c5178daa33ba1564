import { toBase64 } from '@watchpost/base/base64.ts';
import { concatBytes } from '@watchpost/base/bytes.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { sha1 } from '@watchpost/base/hash/sha1.ts';

/** Namespaces of ONVIF services (ONVIF Core, annex). */
export const onvifNamespaces = {
  device: 'http://www.onvif.org/ver10/device/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  ptz: 'http://www.onvif.org/ver20/ptz/wsdl',
  schema: 'http://www.onvif.org/ver10/schema',
} as const;

/** What a UsernameToken is made of (WS-Security UsernameToken Profile 1.0 §3.1). */
export interface UsernameToken {
  readonly username: string;
  readonly password: string;
  /** 16 bytes or so, fresh for each request: devices refuse one that they have seen. */
  readonly nonce: Uint8Array;
  /** The device's own idea of now, as `2026-01-31T12:00:00.000Z`. */
  readonly created: string;
}

const securityNamespace = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity';
const tokenNamespace = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0';

/** A SOAP 1.2 envelope around a body; with a token it says who asks. */
export function writeEnvelope(body: string, token?: UsernameToken): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">' +
    `${token ? `<s:Header>${writeToken(token)}</s:Header>` : ''}<s:Body>${body}</s:Body></s:Envelope>`
  );
}

function writeToken({ username, password, nonce, created }: UsernameToken): string {
  return (
    `<w:Security s:mustUnderstand="1" xmlns:w="${securityNamespace}-secext-1.0.xsd" xmlns:u="${securityNamespace}-utility-1.0.xsd">` +
    `<w:UsernameToken><w:Username>${escapeXml(username)}</w:Username>` +
    `<w:Password Type="${tokenNamespace}#PasswordDigest">${passwordDigest(nonce, created, password)}</w:Password>` +
    `<w:Nonce EncodingType="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary">${toBase64(nonce)}</w:Nonce>` +
    `<u:Created>${created}</u:Created></w:UsernameToken></w:Security>`
  );
}

/** Base64 of SHA-1 over nonce, time and password (WS-Security UsernameToken Profile 1.0 §3.1). */
export function passwordDigest(nonce: Uint8Array, created: string, password: string): string {
  return toBase64(sha1(concatBytes([nonce, new TextEncoder().encode(created + password)])));
}

/** Text for between tags or in an attribute. */
export function escapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '<': '&lt;',
    '>': '&gt;',
    '&': '&amp;',
    '"': '&quot;',
    "'": '&apos;',
  };
  return text.replaceAll(/[<>&"']/g, (character) => names[character]!);
}

/** Text of the first element of that name, whatever its prefix; undefined where there is none. */
export function elementText(xml: string, name: string): string | undefined {
  const match = new RegExp(`<(?:[\\w-]+:)?${name}(?:\\s[^<>]*)?>([^<]*)<`).exec(xml);
  return match?.[1] === undefined ? undefined : unescapeXml(match[1]).trim();
}

/** Inner XML and start tag of all elements of that name that do not lie in one of the same name; time grows with the length. */
export function elements(xml: string, name: string): { readonly tag: string; readonly inner: string }[] {
  const found: { tag: string; inner: string }[] = [];
  const opening = new RegExp(`<((?:[\\w-]+:)?${name})(\\s[^<>]*)?>`, 'g');
  for (let match = opening.exec(xml); match && found.length < 256; match = opening.exec(xml)) {
    if (match[2]?.endsWith('/')) continue;
    const close = xml.indexOf(`</${match[1]}>`, opening.lastIndex);
    if (close < 0) break;
    found.push({ tag: match[2] ?? '', inner: xml.slice(opening.lastIndex, close) });
    opening.lastIndex = close;
  }
  return found;
}

/** Value of an attribute in a start tag, whatever its prefix. */
export function attributeOf(tag: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)(?:[\\w-]+:)?${name}\\s*=\\s*["']([^"']*)["']`).exec(tag);
  return match?.[1] === undefined ? undefined : unescapeXml(match[1]);
}

/** The fault of an answer as an error; undefined where it is none. Devices send faults with status 200, 400 or 500. */
export function faultOf(xml: string): WatchpostError | undefined {
  const fault = elements(xml, 'Fault')[0]?.inner;
  if (fault === undefined) return undefined;
  const codes = [...fault.matchAll(/<(?:[\w-]+:)?Value[^<>]*>\s*(?:[\w-]+:)?([\w.-]+)\s*</g)].map((match) => match[1]!);
  const reason = elementText(fault, 'Text') ?? elementText(fault, 'faultstring') ?? codes.at(-1) ?? 'no reason';
  const denied = /NotAuthorized|FailedAuthentication|OperationProhibited/i.test(codes.join(' '));
  const missing = /ActionNotSupported|NotImplemented|OptionalActionNotImplemented/i.test(codes.join(' '));
  return new WatchpostError(
    denied
      ? `the camera refuses the user by ONVIF: ${reason} — some cameras have users of their own for ONVIF; check its clock, too`
      : `the camera refuses by ONVIF: ${reason}`,
    {
      kind: denied ? 'unauthenticated' : missing ? 'unsupported' : 'invalid_argument',
      code: denied ? 'ONVIF_NOT_AUTHORIZED' : missing ? 'ONVIF_UNSUPPORTED' : 'ONVIF_FAULT',
    },
  );
}

function unescapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replaceAll(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => names[name]!);
}
