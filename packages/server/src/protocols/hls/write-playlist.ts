import { type Container, suffixOf } from './container.ts';
import type { LivePart } from './part-cutter.ts';
import type { LiveSegment, SegmentHead } from './segmenter.ts';

/** Where another rendition of the stream is (draft-pantos-hls-rfc8216bis §4.4.5.4). */
export interface RenditionReport {
  readonly uri: string;
  readonly lastSegment: number;
  /** Index in the segment. */
  readonly lastPart: number | undefined;
}

/** What a low-latency playlist says besides (draft-pantos-hls-rfc8216bis). */
export interface LowLatency {
  readonly partTargetMs: number;
  /** The segment under way. */
  readonly open: SegmentHead | undefined;
  /** Number of the part that comes next. */
  readonly nextPart: number;
  /** What the player has already is left out. */
  readonly maySkip: boolean;
  readonly renditions: readonly RenditionReport[];
}

/** What a playlist says besides its segments. */
export interface PlaylistOptions {
  readonly container: Container;
  readonly targetSeconds: number;
  /** Put behind each address: `?token=…` or empty. */
  readonly tokenQuery: string;
  /** Segments behind a discontinuity are named with their init segment in front: `wantsInitInSegments`. */
  readonly initInSegments?: boolean;
  /** What people who read the playlist should know: comments (RFC 8216 §4.1). */
  readonly notes: readonly string[];
  readonly lowLatency?: LowLatency | undefined;
}

/** Players stay so many part targets behind the end (§4.4.3.8: at least two, better three). */
const holdBackParts = 3;
/** Segments so many target durations behind the end may be skipped (§4.4.3.8: at least six). */
const skipTargets = 6;
/** Parts are listed so many target durations back (§6.2.2). */
const partTargets = 3;

/** Text of a live media playlist (RFC 8216 §4.3). */
export function writeLivePlaylist(segments: readonly LiveSegment[], options: PlaylistOptions): string {
  const { container, targetSeconds, lowLatency } = options;
  const first = segments[0];
  const version = lowLatency !== undefined ? 9 : container === 'ts' ? 6 : 7;
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${version}`, `#EXT-X-TARGETDURATION:${targetSeconds}`];
  if (lowLatency !== undefined) lines.push(...controlLines(lowLatency, targetSeconds));
  lines.push(`#EXT-X-MEDIA-SEQUENCE:${first?.number ?? 0}`);
  lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${first?.discontinuities ?? 0}`);
  if (segments.every((segment) => segment.key)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  for (const note of options.notes) lines.push(`# ${note.replace(/[\r\n]+/g, ' ')}`);
  const ages = agesOf(segments, lowLatency?.open);
  const skipped =
    lowLatency?.maySkip === true ? ages.filter((ms) => ms > skipTargets * targetSeconds * 1000).length : 0;
  if (skipped > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`);
  const writer = new SegmentLines(lines, options);
  for (let i = skipped; i < segments.length; i++) {
    const segment = segments[i]!;
    writer.head(segment, segments[i - 1], i === skipped);
    if (ages[i]! + segment.durationMs <= partTargets * targetSeconds * 1000) writer.parts(segment.parts);
    writer.end(segment, segments[i - 1]);
  }
  if (lowLatency !== undefined) writer.tail(lowLatency, segments.at(-1));
  return `${lines.join('\n')}\n`;
}

function controlLines({ partTargetMs }: LowLatency, targetSeconds: number): string[] {
  const holdBack = seconds(partTargetMs * holdBackParts);
  return [
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${holdBack},CAN-SKIP-UNTIL=${skipTargets * targetSeconds}.0`,
    `#EXT-X-PART-INF:PART-TARGET=${seconds(partTargetMs)}`,
  ];
}

/** Time from the end of each segment to the end of the playlist, ms. */
function agesOf(segments: readonly LiveSegment[], open: SegmentHead | undefined): number[] {
  let ageMs = (open?.parts ?? []).reduce((sum, part) => sum + part.durationMs, 0);
  const ages: number[] = new Array(segments.length).fill(0);
  for (let i = segments.length - 1; i >= 0; i--) {
    ages[i] = ageMs;
    ageMs += segments[i]!.durationMs;
  }
  return ages;
}

/** Writes segments behind what is there. */
class SegmentLines {
  readonly #lines: string[];
  readonly #query: string;
  readonly #suffix: string;
  readonly #initInSegments: boolean;

  constructor(lines: string[], { tokenQuery, container, initInSegments = false }: PlaylistOptions) {
    this.#lines = lines;
    this.#query = tokenQuery;
    this.#suffix = suffixOf[container];
    this.#initInSegments = initInSegments;
  }

  /** `isFirst`: the first one that is written; its init segment is named whatever was before it. */
  head(segment: SegmentHead, before: SegmentHead | undefined, isFirst: boolean): void {
    const { init, initVersion, wallMs } = segment;
    if (isNewTime(segment, before)) this.#lines.push('#EXT-X-DISCONTINUITY');
    if (init !== undefined && (isFirst || initVersion !== before?.initVersion)) {
      this.#lines.push(`#EXT-X-MAP:URI="init_${initVersion}.mp4${this.#query}"`);
    }
    this.#lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(wallMs).toISOString()}`);
  }

  parts(parts: readonly LivePart[]): void {
    for (const { durationMs, number, independent } of parts) {
      const flag = independent ? ',INDEPENDENT=YES' : '';
      this.#lines.push(`#EXT-X-PART:DURATION=${seconds(durationMs)},URI="${this.#partUri(number)}"${flag}`);
    }
  }

  end(segment: LiveSegment, before: SegmentHead | undefined): void {
    const { durationMs, number, init } = segment;
    const isWhole = this.#initInSegments && init !== undefined && isNewTime(segment, before);
    const kind = isWhole ? 'whole' : 'segment';
    this.#lines.push(`#EXTINF:${seconds(durationMs)},`, `${kind}_${number}.${this.#suffix}${this.#query}`);
  }

  tail({ open, nextPart, renditions }: LowLatency, last: LiveSegment | undefined): void {
    if (open !== undefined && open.parts.length > 0) {
      this.head(open, last, last === undefined);
      this.parts(open.parts);
    }
    this.#lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${this.#partUri(nextPart)}"`);
    for (const { uri, lastSegment, lastPart } of renditions) {
      const part = lastPart === undefined ? '' : `,LAST-PART=${lastPart}`;
      this.#lines.push(`#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${lastSegment}${part}`);
    }
  }

  #partUri(number: number): string {
    return `part_${number}.${this.#suffix}${this.#query}`;
  }
}

function isNewTime({ discontinuities }: SegmentHead, before: SegmentHead | undefined): boolean {
  return before !== undefined && discontinuities !== before.discontinuities;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
