const cyrillic: Readonly<Record<string, string>> = {
  а: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  д: 'd',
  е: 'e',
  ё: 'e',
  ж: 'zh',
  з: 'z',
  и: 'i',
  й: 'y',
  к: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  о: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ф: 'f',
  х: 'kh',
  ц: 'ts',
  ч: 'ch',
  ш: 'sh',
  щ: 'shch',
  ъ: '',
  ы: 'y',
  ь: '',
  э: 'e',
  ю: 'yu',
  я: 'ya',
  і: 'i',
  ї: 'yi',
  є: 'ye',
  ґ: 'g',
  ў: 'u',
};

/** A stream id for a title: `Ворота` → `vorota`. Titles without a letter that can be spelt in Latin become `camera-1`, `camera-2`, …; ids that are taken get `-2`. */
export function suggestStreamId(title: string, taken: ReadonlySet<string>): string {
  const spelt = Array.from(title.toLowerCase(), (letter) => cyrillic[letter] ?? letter)
    .join('')
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 56)
    .replace(/-+$/, '');
  if (!/[a-z]/.test(spelt) && (spelt === '' || /\p{L}/u.test(title))) return firstFree('camera', taken, 1);
  return taken.has(spelt) ? firstFree(spelt, taken, 2) : spelt;
}

/** True for what the API takes as the id of a stream. */
export function isStreamId(text: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,63}$/.test(text);
}

function firstFree(stem: string, taken: ReadonlySet<string>, from: number): string {
  let number = from;
  while (taken.has(`${stem}-${number}`)) number++;
  return `${stem}-${number}`;
}
