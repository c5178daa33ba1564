/** One transport of a `Transport` header (RFC 2326 §12.39). */
export interface TransportSpec {
  /** As written: `RTP/AVP/TCP`, `RTP/AVP`, `RTP/SAVP/UDP`. */
  readonly profile: string;
  readonly lower: 'tcp' | 'udp';
  readonly secure: boolean;
  readonly multicast: boolean;
  /** Channels of RTP and RTCP. */
  readonly interleaved?: readonly [rtp: number, rtcp: number];
  readonly clientPort?: readonly [rtp: number, rtcp: number];
  readonly serverPort?: readonly [rtp: number, rtcp: number];
  /** Group ports of a multicast session. */
  readonly port?: readonly [rtp: number, rtcp: number];
  readonly source?: string;
  readonly destination?: string;
  readonly ttl?: number;
  readonly ssrc?: number;
  /** `play` or `record`, lower case. */
  readonly mode?: string;
}

const maxSpecs = 16;

/**
 * Reads a `Transport` header, all alternatives in order; what cannot be read is left out. A reply with `interleaved=`
 * is TCP even if it does not say so (Escam Q6: `RTP/AVP;unicast;interleaved=0-1`).
 */
export function parseTransport(value: string): TransportSpec[] {
  const specs: TransportSpec[] = [];
  for (const text of value.split(',').slice(0, maxSpecs)) {
    const [profile = '', ...parameters] = text.split(';').map((part) => part.trim());
    if (!/^RTP\/S?AVPF?(\/(TCP|UDP))?$/i.test(profile)) continue;
    const fields = new Map<string, string>();
    for (const parameter of parameters) {
      const equals = parameter.indexOf('=');
      const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
      fields.set(
        name,
        equals < 0
          ? ''
          : parameter
              .slice(equals + 1)
              .trim()
              .replaceAll('"', ''),
      );
    }
    specs.push(toSpec(profile, fields));
  }
  return specs;
}

/** One transport as a `Transport` header. `mode` is written only if given: `mode=play` upsets some servers. */
export function writeTransport(spec: TransportSpec): string {
  let text = `${spec.profile};${spec.multicast ? 'multicast' : 'unicast'}`;
  if (spec.destination !== undefined) text += `;destination=${spec.destination}`;
  if (spec.source !== undefined) text += `;source=${spec.source}`;
  if (spec.interleaved) text += `;interleaved=${spec.interleaved.join('-')}`;
  if (spec.clientPort) text += `;client_port=${spec.clientPort.join('-')}`;
  if (spec.serverPort) text += `;server_port=${spec.serverPort.join('-')}`;
  if (spec.port) text += `;port=${spec.port.join('-')}`;
  if (spec.ttl !== undefined) text += `;ttl=${spec.ttl}`;
  if (spec.ssrc !== undefined) text += `;ssrc=${spec.ssrc.toString(16).padStart(8, '0').toUpperCase()}`;
  if (spec.mode !== undefined) text += `;mode=${spec.mode}`;
  return text;
}

function toSpec(profile: string, fields: ReadonlyMap<string, string>): TransportSpec {
  const interleaved = pairOf(fields.get('interleaved'), 255);
  const clientPort = pairOf(fields.get('client_port'), 65535);
  const serverPort = pairOf(fields.get('server_port'), 65535);
  const port = pairOf(fields.get('port'), 65535);
  const ttl = fields.get('ttl');
  const ssrc = fields.get('ssrc');
  const mode = fields.get('mode')?.toLowerCase();
  const source = fields.get('source');
  const destination = fields.get('destination');
  return {
    profile,
    lower: interleaved || /\/TCP$/i.test(profile) ? 'tcp' : 'udp',
    secure: /SAVP/i.test(profile),
    multicast: fields.has('multicast'),
    ...(interleaved ? { interleaved } : {}),
    ...(clientPort ? { clientPort } : {}),
    ...(serverPort ? { serverPort } : {}),
    ...(port ? { port } : {}),
    ...(source ? { source } : {}),
    ...(destination ? { destination } : {}),
    ...(ttl && /^\d{1,3}$/.test(ttl) ? { ttl: Number(ttl) } : {}),
    ...(ssrc && /^[0-9a-f]{1,8}$/i.test(ssrc) ? { ssrc: Number.parseInt(ssrc, 16) } : {}),
    ...(mode ? { mode } : {}),
  };
}

/** `a-b`, or `a` alone, which means `a` and the one after it. */
function pairOf(text: string | undefined, max: number): readonly [number, number] | undefined {
  const match = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(text ?? '');
  if (!match) return undefined;
  const first = Number(match[1]);
  const second = match[2] === undefined ? first + 1 : Number(match[2]);
  return first <= max && second <= max ? [first, second] : undefined;
}
