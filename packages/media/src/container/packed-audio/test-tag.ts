/** An ID3 tag (v2.4) with the time stamp of RFC 8216 §3.4, and a title before it. */
export function tagWithTimestamp(timestamp: number): Uint8Array {
  const ascii = (text: string) => [...text].map((char) => char.charCodeAt(0));
  const frame = (name: string, data: readonly number[]) => [...ascii(name), 0, 0, 0, data.length, 0, 0, ...data];
  const high = Math.floor(timestamp / 0x1_0000_0000);
  const low = [24, 16, 8, 0].map((shift) => (timestamp >>> shift) & 255);
  const owner = ascii('com.apple.streaming.transportStreamTimestamp');
  const frames = [...frame('TIT2', [3, 65]), ...frame('PRIV', [...owner, 0, 0, 0, 0, high, ...low])];
  return Uint8Array.of(...ascii('ID3'), 4, 0, 0, 0, 0, 0, frames.length, ...frames);
}
