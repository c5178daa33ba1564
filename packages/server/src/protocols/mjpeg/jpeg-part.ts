import type { ViewedItem } from '../../hub/live-viewer.ts';

const boundary = 'watchpost-picture';

/** Media type of the answer (RFC 2046 §5.1.1; browsers replace each part by the next). */
export const mjpegType = `multipart/x-mixed-replace; boundary=${boundary}`;

/** What stands before the first part. */
export const firstDelimiter = `--${boundary}\r\n`;

/** One picture, serialized once for all viewers. Immutable. */
export interface JpegPart extends ViewedItem {
  readonly bytes: Buffer;
}

/**
 * A picture with its head, and the delimiter after it: browsers show a part once they know that it is whole.
 * `capturedMs`: ms since 1970 UTC.
 */
export function writePart(jpeg: Uint8Array, capturedMs: number): Buffer {
  const head =
    `Content-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n` +
    `X-Timestamp: ${(capturedMs / 1000).toFixed(3)}\r\n\r\n`;
  const tail = `\r\n${firstDelimiter}`;
  const bytes = Buffer.allocUnsafe(head.length + jpeg.length + tail.length);
  bytes.write(head, 0, 'latin1');
  bytes.set(jpeg, head.length);
  bytes.write(tail, head.length + jpeg.length, 'latin1');
  return bytes;
}
