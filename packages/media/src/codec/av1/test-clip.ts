/** The pictures of an IVF file, temporal delimiters included. For tests only. */
export function ivfPictures(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pictures: Uint8Array[] = [];
  for (let at = 32; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    pictures.push(bytes.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  return pictures;
}
