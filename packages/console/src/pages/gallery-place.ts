import { type CalendarDay, dayText } from '../timeline/zone.ts';

/** Seconds from picture to picture that can be chosen. */
export const intervals: readonly number[] = [60, 300, 600, 1800, 3600];

/** What a gallery shows; it stands in the address, so that whoever comes back from a picture finds it again. */
export interface GalleryPlace {
  /** Null for today. */
  readonly day: CalendarDay | null;
  /** Seconds from picture to picture. */
  readonly interval: number;
}

/** What the query of an address asks for; today, every ten minutes, where it says nothing of use. */
export function readGalleryPlace(query: URLSearchParams): GalleryPlace {
  const interval = Number(query.get('interval'));
  return { day: readDay(query.get('day') ?? ''), interval: intervals.includes(interval) ? interval : 600 };
}

/** The address of a stream's gallery. */
export function galleryAddress(id: string, { day, interval }: GalleryPlace): string {
  return `/streams/${id}/pictures?${day === null ? '' : `day=${dayText(day)}&`}interval=${interval}`;
}

function readDay(text: string): CalendarDay | null {
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? [];
  const read = { year: Number(year), month: Number(month), day: Number(day) };
  const isThere = new Date(Date.UTC(read.year, read.month - 1, read.day)).toJSON()?.startsWith(text);
  return day !== undefined && isThere ? read : null;
}
