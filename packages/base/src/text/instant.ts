const form = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+ -]\d\d:\d\d)?)?$/;

/**
 * A time that somebody wrote, as ms since 1970 UTC: ms themselves, RFC 3339 (§5.6), or a part of it that leaves no doubt.
 * UTC where no zone is named, whatever the machine's is. The "+" of a zone that nobody escaped in an address, and that
 * came as a space, is one. Undefined where it is no time.
 */
export function parseInstant(text: string): number | undefined {
  if (/^\d{1,16}$/.test(text)) return withinDates(Number(text));
  const [, date, time = '00:00', zone = 'Z'] = form.exec(text) ?? [];
  if (date === undefined) return undefined;
  return withinDates(Date.parse(`${date}T${time}${zone.replace(' ', '+').toUpperCase()}`));
}

/** ECMA-262 §21.4.1.1: no date is further from 1970. */
function withinDates(ms: number): number | undefined {
  return Math.abs(ms) <= 8.64e15 ? ms : undefined;
}
