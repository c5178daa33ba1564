import assert from 'node:assert/strict';
import test from 'node:test';
import { DtsFromPts } from './dts.ts';
import { TimelineRepair } from './timeline.ts';
import { wrap32 } from './unwrap.ts';

const video = { kind: 'video', clockRate: 90_000 } as const;
const audio = { kind: 'audio', clockRate: 8000 } as const;
const noCounts = { jump: 0, backward: 0, outlier: 0, duplicate: 0, nonMonotonic: 0, drift: 0, early: 0, aligned: 0 };

/** Pushes `frames` regular ones; `at(i)` gives [RTP timestamp, arrival]. */
function run(
  repair: TimelineRepair,
  frames: number,
  at: (i: number) => readonly [number, number],
  track = 0,
): number[] {
  return Array.from({ length: frames }, (_, i) => {
    const [timestamp, arrivalMs] = at(i);
    return repair.push(track, wrap32(timestamp), arrivalMs);
  });
}

test('a healthy stream begins at 0 and keeps its spacing across a wrap', () => {
  const repair = new TimelineRepair([video]);
  const out = run(repair, 100, (i) => [0xffff_fff0 + i * 3600, 5000 + i * 40]);
  assert.deepEqual(
    out,
    out.map((_, i) => i * 3600),
  );
  assert.deepEqual(repair.counts, noCounts);
});

test('B-frames keep their order across a wrap and count as nothing', () => {
  const repair = new TimelineRepair([video]);
  const order = [0, 3, 1, 2, 6, 4, 5];
  const out = order.map((n, i) => repair.push(0, wrap32(0xffff_f000 + n * 3600), i * 40));
  assert.deepEqual(
    out,
    order.map((n) => n * 3600),
  );
  assert.deepEqual(repair.counts, noCounts);
});

test('a frame stamped 9800 s in the past and one 37600 s in the future every few seconds cost nothing', () => {
  const repair = new TimelineRepair([video]);
  const out = run(repair, 1000, (i) => {
    const error = i % 100 === 50 ? -9800 : i % 100 === 80 ? 37_600 : 0;
    return [1_000_000 + (i * 0.04 + error) * 90_000, i * 40];
  });
  for (let i = 1; i < out.length; i++) assert.ok(out[i]! > out[i - 1]!);
  assert.ok(Math.abs(out[999]! - 999 * 3600) < 10);
  assert.equal(repair.counts.outlier, 20);
  assert.equal(repair.counts.jump + repair.counts.backward, 0);
});

test('a camera that begins anew half a second back goes on from its key picture, in step with its sound (gst-rtsp-server)', () => {
  const repair = new TimelineRepair([video, audio]);
  const begun: number[] = [];
  let lastMs = 0;
  for (let ms = 0; ms < 3000; ms += 20) {
    const began = ms < 560 ? 0 : ms < 1000 ? 560 : 1000;
    const sent = ms - began;
    const soundMs = repair.push(1, 5000 + sent * 8, ms) / 8;
    if (sent % 40 !== 0) continue;
    const pictureMs = repair.push(0, 70_000 + sent * 90, ms, sent % 2000 === 0) / 90;
    assert.ok(pictureMs > lastMs || ms === 0, `${pictureMs} ms after ${lastMs} ms`);
    assert.ok(Math.abs(pictureMs - soundMs) <= 40, `${pictureMs} ms with the sound of ${soundMs} ms`);
    lastMs = pictureMs;
    if (sent === 0) begun.push(pictureMs);
  }
  assert.deepEqual(begun, [0, 560, 1000]);
});

test('pictures that are all key pictures and stamped a little carelessly keep their times', () => {
  const repair = new TimelineRepair([video]);
  const stamps = Array.from({ length: 50 }, (_, i) => i * 3600 + (i % 5 === 4 ? -4000 : 0));
  assert.deepEqual(
    stamps.map((stamp, i) => repair.push(0, stamp, i * 40, true)),
    stamps,
  );
  assert.equal(repair.counts.backward, 0);
});

for (const [name, stepTicks, kind] of [
  ['forward', 900_000_000, 'jump'],
  ['back', -900_000_000, 'backward'],
] as const) {
  test(`a timeline that goes on ${name} becomes the new one after three samples`, () => {
    const repair = new TimelineRepair([video]);
    const out = run(repair, 200, (i) => [2_000_000_000 + i * 3600 + (i < 100 ? 0 : stepTicks), i * 40]);
    assert.equal(out[199], 199 * 3600);
    assert.deepEqual(repair.counts, { ...noCounts, outlier: 2, [kind]: 1 });
  });
}

test('a camera that was away and began again at 0 goes on where the arrival clock is', () => {
  const repair = new TimelineRepair([video]);
  run(repair, 50, (i) => [1_000_000_000 + i * 3600, i * 40]);
  const out = run(repair, 50, (i) => [i * 3600, 62_000 + i * 40]);
  assert.equal(out[0], 62_000 * 90);
  assert.equal(out[49], 62_000 * 90 + 49 * 3600);
  assert.deepEqual(repair.counts, { ...noCounts, backward: 1 });
});

test('a pause in which the timestamps went on is no fault, be it longer than a wrap', () => {
  for (const pauseMs of [60_000, 20 * 3_600_000]) {
    const repair = new TimelineRepair([video]);
    run(repair, 10, (i) => [i * 3600, i * 40]);
    const out = run(repair, 10, (i) => [10 * 3600 + pauseMs * 90 + i * 3600, 400 + pauseMs + i * 40]);
    assert.equal(out[9], (400 + pauseMs + 360) * 90);
    assert.deepEqual(repair.counts, noCounts);
  }
});

test('a stall whose data come in a burst afterwards changes nothing', () => {
  const repair = new TimelineRepair([video]);
  const out = run(repair, 1000, (i) => [i * 3600, i > 200 && i < 700 ? 28_000 + (i - 200) / 10 : i * 40]);
  assert.deepEqual(
    out,
    out.map((_, i) => i * 3600),
  );
  assert.deepEqual(repair.counts, noCounts);
});

test('a pre-buffer of 5 s sent in a burst is early, not wrong', () => {
  const repair = new TimelineRepair([video]);
  const out = run(repair, 3000, (i) => [i * 3600, i < 125 ? i : 125 + (i - 125) * 40]);
  assert.deepEqual(
    out,
    out.map((_, i) => i * 3600),
  );
  assert.deepEqual(repair.counts, { ...noCounts, early: 1 });
});

test('duplicates get a time of their own', () => {
  const repair = new TimelineRepair([video, audio]);
  assert.deepEqual(
    [0, 3600, 3600, 3600, 7200].map((t, i) => repair.push(0, t, i * 40)),
    [0, 3600, 3601, 3602, 7200],
  );
  assert.deepEqual(
    [0, 160, 160, 320].map((t, i) => repair.push(1, t, i * 20)),
    [0, 160, 161, 320],
  );
  assert.equal(repair.counts.duplicate, 3);
});

test('a camera with B-frames whose timestamps are noise for 6 s is decoded at its pace again soon', () => {
  const repair = new TimelineRepair([video]);
  const dts = new DtsFromPts(2);
  // Noise splits pictures: three samples come for each of them.
  const order = [2, 0, 1];
  for (let i = 0; i < 150; i++) dts.push(repair.push(0, (i - (i % 3) + order[i % 3]!) * 3600, i * 40));
  for (let i = 0; i < 450; i++) dts.push(repair.push(0, wrap32(i * 1_640_531_535), 6000 + (i * 40) / 3));
  const times = Array.from({ length: 300 }, (_, n) => {
    const i = n + 300;
    return dts.push(repair.push(0, (i - (i % 3) + order[i % 3]!) * 3600, i * 40));
  });
  for (let i = 1; i < times.length; i++) assert.ok(times[i]! > times[i - 1]!);
  // Half a second, and the sixteen pictures that noise made it wait for.
  for (let i = 30; i < times.length; i++) {
    assert.ok(Math.abs(times[i]! / 90 - 12_000 - (i - 16) * 40) < 200, `${i}: ${times[i]! / 90}`);
    assert.ok(times[i]! - times[i - 1]! > 1000, `${i}: ${times[i]! - times[i - 1]!}`);
  }
});

test('a clock that stands still for 6 s stops neither pictures nor time', () => {
  const repair = new TimelineRepair([video]);
  // Read in bursts of 0.2 s.
  const arrival = (i: number) => Math.ceil(i / 5) * 200;
  const before = run(repair, 150, (i) => [i * 3600, arrival(i)]);
  const still = run(repair, 150, (i) => [149 * 3600, arrival(150 + i)]);
  const after = run(repair, 150, (i) => [(300 + i) * 3600, arrival(300 + i)]);
  const all = [...before, ...still, ...after];
  for (let i = 1; i < all.length; i++) {
    assert.ok(all[i]! > all[i - 1]!, String(i));
    assert.ok(Math.abs(all[i]! / 90 - i * 40) < 600, `${i}: ${all[i]! / 90}`);
  }
  assert.ok(still.slice(8).every((out, i) => out - still[i + 7]! > 1000));
});

test('audio that comes out of order is strictly increasing', () => {
  const repair = new TimelineRepair([audio]);
  const out = [0, 160, 480, 320, 640, 800].map((t, i) => repair.push(0, t, i * 20));
  for (let i = 1; i < out.length; i++) assert.ok(out[i]! > out[i - 1]!, String(out));
  assert.equal(out[5], 800);
});

test('a clock that is 100 ppm fast or slow is slewed without a trace', () => {
  for (const ppm of [100, -100, 400]) {
    const repair = new TimelineRepair([audio]);
    const out = run(repair, 180_000, (i) => [i * 160 * (1 + ppm / 1e6), i * 20]);
    assert.ok(Math.abs(out[179_999]! / 8 - 179_999 * 20) < 150, `${ppm}: ${out[179_999]! / 8 - 179_999 * 20}`);
    assert.deepEqual(repair.counts, noCounts);
  }
});

test('audio that drifts away hard is pulled back and counted', () => {
  for (const rate of [0.5, 0.98, 1.02, 1.5, 2, 4]) {
    const repair = new TimelineRepair([video, audio]);
    let out = 0;
    for (let i = 0; i < 30_000; i++) {
      if (i % 2 === 0) repair.push(0, i * 1800, i * 20);
      const next = repair.push(1, wrap32(Math.round(i * 160 * rate)), i * 20);
      assert.ok(next >= out);
      out = next;
    }
    const errorMs = out / 8 - 29_999 * 20;
    assert.ok(errorMs > -11_000 && errorMs < 16_000, `${rate}: ${errorMs}`);
    assert.ok(repair.counts.drift > 0);
  }
});

test('a clock that stood still while the camera was away is set forward', () => {
  const repair = new TimelineRepair([video]);
  run(repair, 1000, (i) => [i * 3600, i * 40]);
  const out = run(repair, 1000, (i) => [(1000 + i) * 3600, 100_000 + i * 40]);
  assert.equal(out[999], (100_000 + 999 * 40) * 90);
  assert.deepEqual(repair.counts, { ...noCounts, drift: 1 });
});

test('sender reports put audio where video says it belongs, once', () => {
  for (const lateMs of [300, -300, 5000]) {
    const repair = new TimelineRepair([video, audio]);
    const ntp = 1_760_000_000_000;
    let out = 0;
    for (let i = 0; i < 6000; i++) {
      if (i % 2 === 0) repair.push(0, i * 1800, i * 20);
      out = repair.push(1, 77 + i * 160, i * 20);
      if (i % 250 === 100) {
        repair.senderReport(0, wrap32(i * 1800), ntp + i * 20);
        repair.senderReport(1, 77 + i * 160, ntp + i * 20 + lateMs);
      }
    }
    const errorMs = out / 8 - 5999 * 20 - lateMs;
    assert.ok(Math.abs(errorMs) < 25, `${lateMs}: ${errorMs}`);
    assert.equal(repair.counts.drift, 0);
    assert.ok(repair.counts.aligned >= 1);
  }
});

test('a report before the first sound says where it begins: in step from the first sample, however late it came', () => {
  for (const order of [0, 1]) {
    const repair = new TimelineRepair([video, audio]);
    const ntp = 1_760_000_000_000;
    // FFmpeg sends seven frames of AAC as one packet, so the first of them comes 150 ms after its picture.
    const lateMs = 150;
    const outs: number[] = [];
    const reports = [() => repair.senderReport(0, 0, ntp), () => repair.senderReport(1, 77, ntp)];
    reports[order]!();
    reports[1 - order]!();
    for (let i = 0; i < 500; i++) {
      repair.push(0, i * 3600, i * 40);
      // Sound of the 200th ms on.
      if (i >= 5) outs.push(repair.push(1, 77 + i * 320, i * 40 + lateMs));
    }
    assert.deepEqual(
      outs,
      outs.map((_, i) => (i + 5) * 320),
    );
    assert.deepEqual(repair.counts, noCounts);
  }
});

test('what waited while an encoder connected comes in a burst: reports move the sound by what they say, and by no more', () => {
  for (const lateMs of [0, 700, 3000]) {
    const repair = new TimelineRepair([video, audio]);
    const ntp = 1_760_000_000_000;
    const sound: [at: number, out: number][] = [];
    const pictures = new Map<number, number>();
    // The first second of the encoder's time is sent at once; each third second it reports. Sound begins 21 ms earlier.
    for (let ms = 0; ms < 60_000; ms += 20) {
      const arrivalMs = Math.max(ms, lateMs);
      if (ms % 3000 === 0) {
        repair.senderReport(0, ms * 90, ntp + ms);
        repair.senderReport(1, ms * 8 + 168, ntp + ms);
      }
      if (ms % 40 === 0) pictures.set(ms, repair.push(0, ms * 90, arrivalMs) / 90);
      sound.push([ms, repair.push(1, ms * 8, arrivalMs) / 8]);
    }
    for (const [ms, out] of sound) {
      const picture = pictures.get(ms);
      if (picture === undefined) continue;
      const apartMs = out - picture;
      assert.ok(apartMs > -50 && apartMs <= 0, `late by ${lateMs} at ${ms}: ${apartMs} ms`);
    }
  }
});

test('a track that came in a burst is moved back by reports at its own pace, not at that of the burst', () => {
  const repair = new TimelineRepair([audio, video]);
  const ntp = 1_760_000_000_000;
  const aheadMs = 700;
  const outs: number[] = [];
  // A publisher on a busy machine: its first second of pictures comes in 0.4 s.
  for (let i = 0; i < 1500; i++) {
    const arrivalMs = Math.max(i * 16, i * 40 - 576);
    for (const half of [0, 20]) repair.push(0, 77 + (i * 40 + half) * 8, i * 40 + half);
    outs.push(repair.push(1, i * 3600, arrivalMs) / 90);
    if (i === 30) {
      repair.senderReport(0, 77 + i * 320, ntp + i * 40);
      repair.senderReport(1, i * 3600, ntp + i * 40 - aheadMs);
    }
  }
  const steps = outs.slice(1).map((out, i) => out - outs[i]!);
  assert.ok(
    steps.every((step) => step > 34 && step < 42),
    `${Math.min(...steps)} to ${Math.max(...steps)} ms`,
  );
  const errorMs = outs.at(-1)! - (1499 * 40 - aheadMs);
  assert.ok(Math.abs(errorMs) < 25, `${errorMs} ms`);
});

test('a sender that sets its clock between its reports of two tracks moves neither of them', () => {
  for (const order of [0, 1]) {
    const repair = new TimelineRepair([video, audio]);
    const ntp = 1_760_000_000_000;
    for (let ms = 0; ms < 40_000; ms += 20) {
      const picture = ms % 40 === 0 ? repair.push(0, ms * 90, ms) / 90 : undefined;
      const sound = repair.push(1, ms * 8, ms) / 8;
      if (picture !== undefined) assert.equal(sound - picture, 0, `${ms}`);
      // Every 5 s; from 12.5 s on the clock is 540 ms ahead, then 1500 ms; at 30 s it is set back between the two reports.
      const aheadMs = ms < 17_500 ? 540 : 1500;
      const setMs = (track: number) =>
        ms > 12_500 && (ms < 30_000 || (ms === 30_000 && track === order)) ? aheadMs : 0;
      for (const track of ms % 5000 === 0 ? [order, 1 - order] : [])
        repair.senderReport(track, ms * [90, 8][track]!, ntp + ms + setMs(track));
    }
    assert.deepEqual(repair.counts, noCounts);
  }
});

test('tracks that are late together are moved together', () => {
  for (const [beginMs, lateFromMs] of [
    [0, 15_010],
    [3000, 15_000],
    [3000, 10_010],
    [8000, 19_990],
  ] as const) {
    const repair = new TimelineRepair([video, audio]);
    const ntp = 1_760_000_000_000;
    let picture = 0;
    const apart: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 10) {
      const arrivalMs = ms + (ms >= lateFromMs ? 700 : 0);
      if (ms % 40 === 0) picture = repair.push(0, ms * 90, arrivalMs) / 90 - ms;
      if (ms >= beginMs && ms % 30 === 0) {
        const apartMs = repair.push(1, ms * 8, arrivalMs) / 8 - ms - picture;
        if (Math.abs(apartMs) > 1) apart.push(apartMs);
      }
      for (const track of ms % 5000 === 4000 ? [1, 0] : []) repair.senderReport(track, ms * [90, 8][track]!, ntp + ms);
    }
    // The first picture after the move may come later than the first sound.
    assert.ok(
      apart.length <= 2,
      `sound from ${beginMs}, late from ${lateFromMs} on: ${apart.length} apart, by up to ${Math.max(...apart.map(Math.abs))} ms`,
    );
    assert.deepEqual(repair.counts, { ...noCounts, drift: 2 });
  }
});

/**
 * A minute of pictures, each 40 ms, and of sound, each `soundMs`; `at(ms)` gives their time and arrival, ms. By how much
 * sound was apart from the picture before it, ms, wherever it was.
 */
function soundApart(soundMs: number, at: (ms: number) => readonly [rtpMs: number, arrivalMs: number]): number[] {
  const repair = new TimelineRepair([video, audio]);
  let picture = 0;
  const apart: number[] = [];
  for (let ms = 0; ms < 60_000; ms++) {
    const [rtpMs, arrivalMs] = at(ms);
    if (ms % 40 === 0) picture = repair.push(0, rtpMs * 90, arrivalMs) / 90 - rtpMs;
    if (ms % soundMs > 0) continue;
    const apartMs = repair.push(1, rtpMs * 8, arrivalMs) / 8 - rtpMs - picture;
    if (Math.abs(apartMs) > 1) apart.push(apartMs);
  }
  return apart;
}

test('tracks that become late a second time before they were moved stay together', () => {
  const apart = soundApart(21, (ms) => [ms, ms + (ms >= 4800 ? 1121 : 0) + (ms >= 10_230 ? 1397 : 0)]);
  assert.ok(apart.length <= 4, `${apart.length} apart, the last by ${apart.at(-1)} ms`);
});

test('sound of a container that begins while its pictures are late, or after they were moved, is in step', () => {
  for (const beginMs of [6000, 25_000]) {
    const repair = new TimelineRepair([video, audio]);
    let picture = 0;
    const apart: number[] = [];
    for (let ms = 0; ms < 60_000; ms += 20) {
      const lateMs = ms >= 1000 ? 1449 : 0;
      if (ms % 40 === 0) picture = repair.push(0, ms * 90, ms + lateMs) / 90 - ms;
      if (ms < beginMs) continue;
      // A session says where units of a container belong by what the first one of all said.
      if (ms === beginMs) repair.lead(1, -lateMs);
      const apartMs = repair.push(1, ms * 8, ms + lateMs) / 8 - ms - picture;
      if (Math.abs(apartMs) > 1) apart.push(apartMs);
    }
    assert.ok(apart.length <= 2, `${beginMs}: ${apart.length} apart, the last by ${apart.at(-1)} ms`);
  }
});

test('what comes in a burst, then late, then ahead of time stays together', () => {
  // The sender, who was late, too, puts it right.
  const rtpMs = (ms: number) => ms + (ms >= 28_400 ? 1609 : 0);
  const apart = soundApart(32, (ms) => [rtpMs(ms), Math.max(0, ms - 552) + (ms >= 10_560 ? 1614 : 0)]);
  assert.ok(apart.length <= 2, `${apart.length} apart, the last by ${apart.at(-1)} ms`);
});

test('reports right after a track was moved with another, and before its next sample, align it', () => {
  const repair = new TimelineRepair([video, audio]);
  const ntp = 1_760_000_000_000;
  let apartMs = 0;
  for (let ms = 0; ms < 60_000; ms += 20) {
    const arrivalMs = ms + (ms >= 1000 ? 700 : 0);
    const picture = repair.push(0, ms * 90, arrivalMs) / 90;
    // The first reports are there before the sound; when the next ones come the picture has just moved both, at 20 s.
    for (const track of ms % 9650 === 0 ? [0, 1] : [])
      repair.senderReport(track, ms * [90, 8][track]!, ntp + ms + (ms > 15_000 ? track * 80 : 0));
    if (ms >= 12_000) apartMs = repair.push(1, ms * 8, arrivalMs) / 8 - picture;
  }
  assert.ok(Math.abs(apartMs - 80) < 25, `${apartMs} ms`);
});

test('sender reports of unrelated clocks are ignored', () => {
  const repair = new TimelineRepair([video, audio]);
  repair.push(0, 0, 0);
  repair.push(1, 0, 10);
  repair.senderReport(0, 0, 1_760_000_000_000);
  repair.senderReport(1, 0, 946_684_800_000);
  assert.deepEqual(repair.counts, noCounts);
});

/** A small generator, so that a failure can be repeated. */
function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 0x1_0000_0000;
  };
}

/** One frame of a camera with every fault at once. */
function faultyCamera(next: () => number, clockRate: number) {
  let media = Math.floor(next() * 0x1_0000_0000);
  let arrivalMs = 0;
  let ppm = 1;
  return (): readonly [number, number] => {
    const dice = next();
    let frameMs = 40;
    arrivalMs += next() < 0.02 ? 300 * next() : 38 + 4 * next();
    if (dice < 0.002) media = Math.floor(next() * 0x1_0000_0000);
    else if (dice < 0.004) media += Math.floor((next() - 0.5) * 20 * clockRate);
    else if (dice < 0.005) arrivalMs += 30_000 * next();
    else if (dice < 0.006) frameMs = 0;
    else if (dice < 0.007) ppm = 0.9 + 0.2 * next();
    else if (dice < 0.008) {
      const pauseMs = 60_000 * next();
      arrivalMs += pauseMs;
      frameMs = pauseMs;
    }
    media += (frameMs * clockRate * ppm) / 1000;
    const glitch = next() < 0.003 ? (next() - 0.5) * 3_000_000_000 : 0;
    const reorder = next() < 0.3 ? 0.08 * clockRate : 0;
    return [wrap32(Math.round(media + glitch + reorder)), arrivalMs];
  };
}

test('with every fault at once, no output stops, goes back or leaves the arrival clock', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const track = seed % 2 ? video : audio;
    const repair = new TimelineRepair([track]);
    const dtsOf = new DtsFromPts();
    const camera = faultyCamera(random(seed), track.clockRate);
    let last = -1;
    let first = 0;
    for (let i = 0; i < 4000; i++) {
      const [timestamp, arrivalMs] = camera();
      if (i === 0) first = arrivalMs;
      const pts = repair.push(0, timestamp, arrivalMs);
      const dts = track === video ? dtsOf.push(pts) : pts;
      assert.ok(Number.isSafeInteger(dts) && dts > last, `seed ${seed} at ${i}: ${dts} after ${last}`);
      last = dts;
      const leadMs = (pts * 1000) / track.clockRate - (arrivalMs - first);
      assert.ok(leadMs < 31_000 && leadMs > -95_000, `seed ${seed} at ${i}: ${leadMs} ms`);
    }
  }
});
