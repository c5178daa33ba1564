/** Pictures of one hour; its name is empty where the clock is not told. */
export interface FramesOfHour<Frame> {
  readonly hour: string;
  readonly frames: Frame[];
}

/**
 * Frames under the hour (`HH:MM` of the person's clock) that they were taken in; all together where there is no clock. An
 * hour that comes twice, as where summer time ends, has a heading each time.
 */
export function framesByHour<Frame extends { readonly time: string }>(
  frames: readonly Frame[],
  clock: (ms: number) => string,
): FramesOfHour<Frame>[] {
  const hours: FramesOfHour<Frame>[] = [];
  let before = '';
  for (const frame of frames) {
    const time = clock(Date.parse(frame.time));
    const hour = time.replace(/\d\d$/, '00');
    const last = hours.at(-1);
    if (last?.hour === hour && time >= before) last.frames.push(frame);
    else hours.push({ hour, frames: [frame] });
    before = time;
  }
  return hours;
}
