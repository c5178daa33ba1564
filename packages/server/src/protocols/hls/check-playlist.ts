import assert from 'node:assert/strict';

/** A part as a playlist lists it. */
export interface CheckedPart {
  readonly uri: string;
  readonly duration: number;
  readonly independent: boolean;
}

/** What a playlist says, once it is known to keep the rules. */
export interface CheckedPlaylist {
  readonly text: string;
  readonly targetDuration: number;
  readonly partTarget: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly skipped: number;
  readonly segments: readonly {
    readonly uri: string;
    readonly duration: number;
    readonly parts: readonly CheckedPart[];
  }[];
  /** All parts in order, those of the segment under way included. */
  readonly parts: readonly CheckedPart[];
  /** Parts of the segment under way. */
  readonly open: readonly CheckedPart[];
  readonly hint: string;
}

const attribute = (line: string, name: string) =>
  new RegExp(`[:,]${name}=(?:"([^"]*)"|([^,]*))`)
    .exec(line)
    ?.slice(1)
    .find((value) => value !== undefined);
const number = (line: string | undefined, name: string) => Number(attribute(line ?? '', name));

/** For tests: asserts what draft-pantos-hls-rfc8216bis demands of a low-latency media playlist, and reads it. */
export function checkPlaylist(text: string): CheckedPlaylist {
  const lines = text.trimEnd().split('\n');
  const value = (tag: string) => {
    const found = lines.filter((line) => line.startsWith(`#${tag}:`));
    assert.equal(found.length, 1, `one ${tag}:\n${text}`);
    return found[0]!.slice(tag.length + 2);
  };
  assert.equal(lines[0], '#EXTM3U');
  const version = Number(value('EXT-X-VERSION'));
  const targetDuration = Number(value('EXT-X-TARGETDURATION'));
  const partTarget = number(`:${value('EXT-X-PART-INF')}`, 'PART-TARGET');
  checkControl(`:${value('EXT-X-SERVER-CONTROL')}`, { targetDuration, partTarget });
  const skip = lines.find((line) => line.startsWith('#EXT-X-SKIP:'));
  // §8: EXT-X-SKIP needs version 9.
  assert.ok(version >= (skip === undefined ? 6 : 9), `version ${version}`);
  const { segments, open } = readSegments(lines);
  for (const segment of segments) {
    // §4.4.4.1: rounded to the nearest integer, no duration is above the target.
    assert.ok(Math.round(segment.duration) <= targetDuration, `${segment.duration} s of ${targetDuration}`);
    checkParts(segment.parts, partTarget, true);
    const sum = segment.parts.reduce((total, part) => total + part.duration, 0);
    if (segment.parts.length > 0)
      assert.ok(Math.abs(sum - segment.duration) < 0.05, `${sum} s in ${segment.duration} s`);
  }
  checkParts(open, partTarget, false);
  checkReach(segments, { targetDuration, open });
  const hint = lines.find((line) => line.startsWith('#EXT-X-PRELOAD-HINT:'));
  assert.equal(attribute(hint ?? '', 'TYPE'), 'PART', text);
  return {
    ...{ text, targetDuration, partTarget, segments, open },
    mediaSequence: Number(value('EXT-X-MEDIA-SEQUENCE')),
    discontinuitySequence: Number(value('EXT-X-DISCONTINUITY-SEQUENCE')),
    skipped: skip === undefined ? 0 : number(skip, 'SKIPPED-SEGMENTS'),
    parts: [...segments.flatMap(({ parts }) => parts), ...open],
    hint: attribute(hint!, 'URI')!,
  };
}

/** §4.4.3.8 */
function checkControl(control: string, { targetDuration, partTarget }: { targetDuration: number; partTarget: number }) {
  assert.equal(attribute(control, 'CAN-BLOCK-RELOAD'), 'YES');
  assert.ok(number(control, 'PART-HOLD-BACK') >= 2 * partTarget, control);
  assert.ok(number(control, 'CAN-SKIP-UNTIL') >= 6 * targetDuration, control);
  assert.ok(partTarget > 0 && partTarget <= targetDuration, control);
}

/** §4.4.4.9: none is longer than the target, and only the last of a segment shorter than 85 % of it. */
function checkParts(parts: readonly CheckedPart[], partTarget: number, isWhole: boolean): void {
  for (const [index, { duration }] of parts.entries()) {
    assert.ok(duration <= partTarget + 1e-9, `a part of ${duration} s with target ${partTarget}`);
    if (isWhole && index === parts.length - 1) continue;
    assert.ok(duration >= 0.85 * partTarget, `a part of ${duration} s with target ${partTarget}`);
  }
}

/** §6.2.2: parts leave the list once they are more than three target durations from its end; before that they stay. */
function checkReach(
  segments: CheckedPlaylist['segments'],
  { targetDuration, open }: { targetDuration: number; open: readonly CheckedPart[] },
): void {
  let age = open.reduce((sum, part) => sum + part.duration, 0);
  for (const { duration, parts } of [...segments].reverse()) {
    if (parts.length > 0) assert.ok(age <= 3 * targetDuration, `parts ${age} s from the end`);
    age += duration;
  }
}

function readSegments(lines: readonly string[]) {
  const segments: CheckedPlaylist['segments'][number][] = [];
  let parts: CheckedPart[] = [];
  let duration = 0;
  for (const line of lines) {
    if (line.startsWith('#EXT-X-PART:')) {
      const independent = attribute(line, 'INDEPENDENT') === 'YES';
      parts.push({ uri: attribute(line, 'URI')!, duration: number(line, 'DURATION'), independent });
    } else if (line.startsWith('#EXTINF:')) duration = Number.parseFloat(line.slice(8));
    else if (!line.startsWith('#')) {
      segments.push({ uri: line, duration, parts });
      parts = [];
    }
  }
  return { segments, open: parts };
}
