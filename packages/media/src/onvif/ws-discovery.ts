import { elementText } from './soap.ts';

/** A camera that answered. */
export interface DiscoveredDevice {
  /** Address that it answered from. */
  readonly host: string;
  readonly name?: string;
  readonly model?: string;
  /** Address of its ONVIF service. */
  readonly xaddr?: string;
}

/** The question (WS-Discovery §5.2); `type` is a name with the prefix `dn:` or `tds:`. */
export function writeProbe(type: string, messageId: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"' +
    ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl"><s:Header>' +
    '<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>' +
    `<a:MessageID>urn:uuid:${messageId}</a:MessageID>` +
    '<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>' +
    '<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>' +
    `<s:Body><d:Probe><d:Types>${type}</d:Types></d:Probe></s:Body></s:Envelope>`
  );
}

/**
 * What an answer (ProbeMatches, WS-Discovery §5.3) says, whatever prefixes it uses. Undefined for what is not one, or not
 * from a camera: printers answer as well. `fromAddress` is where it came from, which is right where XAddrs is not.
 */
export function parseProbeMatch(text: string, fromAddress: string): DiscoveredDevice | undefined {
  if (!/<(?:[\w-]+:)?ProbeMatch[\s>]/.test(text)) return undefined;
  const types = elementText(text, 'Types') ?? '';
  const scopes = (elementText(text, 'Scopes') ?? '').split(/\s+/).filter((scope) => scope !== '');
  const isCamera = /NetworkVideoTransmitter|(?:^|[\s:])Device(?:\s|$)/.test(types);
  if (!isCamera && !scopes.some((scope) => scope.startsWith('onvif://'))) return undefined;
  const name = scopeValue(scopes, 'name');
  const model = scopeValue(scopes, 'hardware');
  const xaddr = bestXaddr((elementText(text, 'XAddrs') ?? '').split(/\s+/), fromAddress);
  return {
    host: fromAddress,
    ...(name === undefined ? {} : { name }),
    ...(model === undefined ? {} : { model }),
    ...(xaddr === undefined ? {} : { xaddr }),
  };
}

function scopeValue(scopes: readonly string[], name: string): string | undefined {
  const prefix = `onvif://www.onvif.org/${name}/`;
  const scope = scopes.find((entry) => entry.toLowerCase().startsWith(prefix));
  if (scope === undefined) return undefined;
  const value = scope.slice(prefix.length).replaceAll('+', ' ');
  try {
    return decodeURIComponent(value).slice(0, 200);
  } catch {
    return value.slice(0, 200);
  }
}

/** The address at the host that answered; else the first one, moved to that host: several cameras tell 127.0.0.1. */
function bestXaddr(xaddrs: readonly string[], host: string): string | undefined {
  const urls = xaddrs.filter((text) => /^https?:/.test(text) && URL.canParse(text)).map((text) => new URL(text));
  const url = urls.find((candidate) => candidate.hostname === host) ?? urls[0];
  if (!url) return undefined;
  url.hostname = host;
  return url.href;
}
