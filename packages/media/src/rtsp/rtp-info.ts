/** One entry of an `RTP-Info` header (RFC 2326 §12.33). */
export interface RtpInfo {
  readonly url: string;
  /** Sequence number of the first packet that belongs to the PLAY. */
  readonly sequence?: number;
  /** RTP timestamp at the start of the range. */
  readonly rtpTime?: number;
}

const maxEntries = 64;

/** Reads `RTP-Info` values; entries without a URL are left out. */
export function parseRtpInfo(values: readonly string[]): RtpInfo[] {
  const entries: RtpInfo[] = [];
  for (const value of values) {
    // A URL may hold commas, so an entry ends only where the next one says `url=`.
    for (const text of value.split(/,(?=\s*url\s*=)/i).slice(0, maxEntries)) {
      const url = /(?:^|;)\s*url\s*=\s*"?([^;"]*)"?/i.exec(text)?.[1]?.trim();
      if (!url) continue;
      const sequence = /;\s*seq\s*=\s*(\d{1,10})/i.exec(text)?.[1];
      const rtpTime = /;\s*rtptime\s*=\s*(\d{1,10})/i.exec(text)?.[1];
      entries.push({
        url,
        ...(sequence === undefined ? {} : { sequence: Number(sequence) & 0xffff }),
        ...(rtpTime === undefined ? {} : { rtpTime: Number(rtpTime) >>> 0 }),
      });
    }
  }
  return entries;
}

/** The entries as one header value. */
export function writeRtpInfo(entries: readonly RtpInfo[]): string {
  return entries
    .map(({ url, sequence, rtpTime }) => {
      const parts = [`url=${url}`];
      if (sequence !== undefined) parts.push(`seq=${sequence}`);
      if (rtpTime !== undefined) parts.push(`rtptime=${rtpTime}`);
      return parts.join(';');
    })
    .join(',');
}
