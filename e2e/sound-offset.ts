import assert from 'node:assert/strict';
import { runProgram } from './harness.ts';

/** Filters of FFmpeg that make a clip which flashes white for 200 ms each second and beeps meanwhile. */
export function flashAndBeep(seconds: number): string[] {
  const flash = "drawbox=color=white:t=fill:enable='lt(mod(t,1),0.2)'";
  const beep = "aevalsrc='if(lt(mod(t,1),0.2),0.5*sin(2*PI*1000*t),0)'";
  return [
    ...['-f', 'lavfi', '-i', `color=black:size=320x180:rate=25:duration=${seconds},${flash}`],
    ...['-f', 'lavfi', '-i', `${beep}:s=48000:d=${seconds}`],
  ];
}

/** By how many ms each beep of a file comes after its flash, as FFmpeg decodes them; only those whose flash is there. */
export async function soundOffsetsMs(file: string): Promise<number[]> {
  const { stdout, stderr, status } = await runProgram('ffmpeg', [
    ...['-hide_banner', '-copyts', '-i', file, '-af', 'silencedetect=n=-30dB:d=0.3'],
    ...['-vf', 'signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-', '-f', 'null', '-'],
  ]);
  assert.equal(status, 0, stderr);
  const flashes: number[] = [];
  let wasBright = true;
  for (const [, time, brightness] of stdout.toString().matchAll(/pts_time:([\d.-]+)\n.*YAVG=([\d.]+)/g)) {
    const isBright = Number(brightness) > 100;
    if (isBright && !wasBright) flashes.push(Number(time) * 1000);
    wasBright = isBright;
  }
  // A silence ends with the file, too: what silence does not follow may be no beep.
  const beeps = [...stderr.matchAll(/silence_end: ([\d.]+)(?=[\s\S]*silence_start)/g)].map(
    ([, time]) => Number(time) * 1000,
  );
  return beeps.flatMap((beep) => {
    const nearest = flashes.toSorted((a, b) => Math.abs(a - beep) - Math.abs(b - beep))[0];
    return nearest === undefined || Math.abs(nearest - beep) > 500 ? [] : [beep - nearest];
  });
}
