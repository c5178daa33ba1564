/** What an `a=rtpmap` says (RFC 8866 §6.6). */
export interface RtpMap {
  /** Encoding name as written: `H264`, `MPEG4-GENERIC`. */
  readonly name: string;
  /** Hz; undefined where it is missing or no number. */
  readonly clockRate?: number;
  readonly channels?: number;
}

/** Which way media go, as the description's writer sees it (RFC 8866 §6.7). */
export type SdpDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** An attribute: `a=name` or `a=name:value`. */
export type SdpAttribute = readonly [name: string, value: string | undefined];

/** One `m=` section (RFC 8866 §5.14). */
export interface SdpMedia {
  /** `video`, `audio`, `application`, or whatever stood there. */
  readonly kind: string;
  readonly port: number;
  /** `RTP/AVP`, `RTP/SAVP`, … */
  readonly profile: string;
  /** Payload types that are numbers 0…127. */
  readonly payloadTypes: readonly number[];
  /** Address of `c=`, without TTL. */
  readonly address?: string;
  readonly direction?: SdpDirection;
  /** `a=control` (RFC 2326 appendix C.1.1). */
  readonly control?: string;
  readonly rtpmaps: ReadonlyMap<number, RtpMap>;
  /** Parameters of `a=fmtp` for each payload type, names in lower case. */
  readonly fmtps: ReadonlyMap<number, Readonly<Record<string, string>>>;
  /** All attributes in order, those above included. */
  readonly attributes: readonly SdpAttribute[];
}

/** A session description (RFC 8866), as far as media servers and cameras need it. */
export interface SdpSession {
  /** `o=` as it stood there: cameras write hexadecimal and decimals where integers belong. */
  readonly origin?: string;
  readonly name?: string;
  readonly address?: string;
  readonly control?: string;
  readonly direction?: SdpDirection;
  /** `npt` range of `a=range`, as written. */
  readonly range?: string;
  readonly attributes: readonly SdpAttribute[];
  readonly media: readonly SdpMedia[];
}

/** The value of the first attribute of a name, `''` for a flag, undefined if there is none. */
export function attributeOf(
  section: { readonly attributes: readonly SdpAttribute[] },
  name: string,
): string | undefined {
  for (const [key, value] of section.attributes) if (key === name) return value ?? '';
  return undefined;
}
