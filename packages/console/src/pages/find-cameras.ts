/** What a camera is found by. */
export interface Named {
  readonly stream_id: string;
  readonly title: string;
}

/** Cameras whose title or id has all of the words, in any order and case; all of them without words. */
export function findCameras<T extends Named>(cameras: readonly T[], words: string): T[] {
  const wanted = plain(words)
    .split(/\s+/)
    .filter((word) => word !== '');
  return cameras.filter(({ stream_id, title }) => {
    const text = `${plain(title)} ${stream_id}`;
    return wanted.every((word) => text.includes(word));
  });
}

/** In lower case and without accents: "Cafe" finds "Café". */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase();
}
