import { attributeOf, elements, elementText, faultOf } from './soap.ts';
import { parseProbeMatch } from './ws-discovery.ts';

const text = (value: string) => new TextEncoder().encode(value);

/** Answers of cameras. */
export const seeds: readonly Uint8Array[] = [
  text(
    '<e:Envelope><e:Body><d:ProbeMatches><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/name/A%20B</d:Scopes><d:XAddrs>http://192.0.2.1/onvif</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>',
  ),
  text(
    '<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>ter:NotAuthorized</e:Value></e:Subcode></e:Code><e:Reason><e:Text>no</e:Text></e:Reason></e:Fault>',
  ),
  text('<trt:Profiles token="001" fixed="true"><tt:PTZConfiguration token="p"/></trt:Profiles>'),
];

/** Reads bytes as whatever a camera may answer. */
export function fuzz(bytes: Uint8Array): void {
  const xml = new TextDecoder().decode(bytes);
  parseProbeMatch(xml, '192.0.2.1');
  faultOf(xml);
  elementText(xml, 'Uri');
  for (const { tag } of elements(xml, 'Profiles')) attributeOf(tag, 'token');
}
