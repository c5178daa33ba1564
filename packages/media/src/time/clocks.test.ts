import assert from 'node:assert/strict';
import test from 'node:test';
import { DtsFromPts } from './dts.ts';
import { msToNtp, ntpToMs } from './ntp.ts';
import { rescale } from './rescale.ts';
import { unwrapNear, wrap32 } from './unwrap.ts';
import { CaptureClock, WallAnchor } from './wall-clock.ts';

test('rescale agrees with exact arithmetic', () => {
  const rates = [1000, 8000, 16_000, 44_100, 48_000, 90_000, 1_000_000, 10_000_000];
  for (const from of rates) {
    for (const to of rates) {
      for (const value of [0, 1, 7, 1023, 3003, 90_001, 2 ** 33 + 5, 987_654_321_987, -1, -3601, -(2 ** 33) - 11]) {
        const double = 2n * BigInt(from);
        const sum = BigInt(value) * BigInt(to) * 2n + BigInt(from);
        const exact = sum / double - (sum % double < 0n ? 1n : 0n);
        assert.equal(rescale(value, from, to), Number(exact), `${value} ${from} ${to}`);
      }
    }
  }
});

test('a timestamp is unwrapped to the nearest, in both directions', () => {
  assert.equal(unwrapNear(5, 0xffff_fffb), 0x1_0000_0005);
  assert.equal(unwrapNear(0xffff_fffb, 0x1_0000_0005), 0xffff_fffb);
  assert.equal(unwrapNear(0xffff_fff0, 3), -16);
  assert.equal(unwrapNear(123, 7 * 2 ** 32 + 100), 7 * 2 ** 32 + 123);
  assert.equal(wrap32(-16), 0xffff_fff0);
});

test('NTP and Unix time agree, before and after 2036', () => {
  for (const ms of [0, 1_451_606_400_000, 1_760_000_000_123, 2_085_978_495_999, 2_085_978_496_001, 2_500_000_000_500]) {
    const { seconds, fraction } = msToNtp(ms);
    assert.ok(Math.abs(ntpToMs(seconds, fraction)! - ms) < 0.001, String(ms));
  }
  assert.deepEqual(msToNtp(0), { seconds: 2_208_988_800, fraction: 0 });
  assert.equal(ntpToMs(0, 0), undefined);
});

const ofFrames = (order: readonly number[]) => order.map((n) => n * 3600);

test('without B-frames the decoding time is the presentation time', () => {
  const times = new DtsFromPts();
  const pts = ofFrames([0, 1, 2, 3, 50, 51]);
  assert.deepEqual(
    pts.map((value) => times.push(value)),
    pts,
  );
});

test('with the depth of the SPS, decoding times go on by a frame and stay below', () => {
  const pts = ofFrames([0, 4, 2, 1, 3, 8, 6, 5, 7, 12, 10, 9, 11]);
  const times = new DtsFromPts(2);
  const dts = pts.map((value) => times.push(value));
  assert.deepEqual(dts.slice(0, 2), [0, 1]);
  assert.deepEqual(dts.slice(3), ofFrames([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  assert.equal(times.raised, 0);
  for (const [i, value] of dts.entries()) assert.ok(value <= pts[i]! && (i === 0 || value > dts[i - 1]!));
});

test('an unknown depth is found, and presentation times are right from then on', () => {
  const times = new DtsFromPts();
  let last = -1;
  for (let gop = 0; gop < 20; gop++) {
    for (const n of [0, 4, 2, 1, 3]) {
      const pts = (n === 0 ? gop * 5 : gop * 5 + n) * 3600;
      const dts = times.push(pts);
      assert.ok(dts > last && dts <= times.pts);
      if (gop > 2) assert.equal(times.pts, pts);
      last = dts;
    }
  }
  assert.ok(times.depth >= 2 && times.depth <= 3);
});

test('after a gap no picture is dated into the time before it', () => {
  const times = new DtsFromPts(2);
  for (const pts of ofFrames([0, 2, 1, 4, 3])) times.push(pts);
  const dts = ofFrames([2500, 2502, 2501]).map((pts) => times.push(pts));
  assert.ok(dts[0]! >= 9_000_000 - 3 * 3600, String(dts));
  assert.equal(times.raised, 0);
});

test('noise never stops decoding times', () => {
  const times = new DtsFromPts();
  let last = -1;
  let seed = 7;
  for (let i = 0; i < 20_000; i++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const dts = times.push(i * 3600 + (seed % 1_000_000));
    assert.ok(dts > last && dts <= times.pts);
    last = dts;
  }
  assert.ok(times.depth <= 16);
});

test('a step of the machine clock is reported, a slew followed', () => {
  const anchor = new WallAnchor();
  assert.equal(anchor.observe(1000, 1_760_000_000_000), 0);
  assert.equal(anchor.observe(2000, 1_760_000_001_000), 0);
  assert.equal(anchor.observe(3000, 1_760_000_002_500), 0);
  assert.equal(anchor.at(3000), 1_760_000_002_000.5);
  assert.equal(anchor.observe(4000, 1_760_003_603_000), 3_599_999.5);
  assert.equal(anchor.at(4000), 1_760_003_603_000);
  assert.ok(anchor.observe(5000, 1_760_000_004_000) < -3_000_000);
});

test('sender reports date samples while they are sane', () => {
  const anchor = new WallAnchor();
  const base = 1_760_000_000_000;
  anchor.observe(0, base);
  const clock = new CaptureClock(anchor, 90_000);
  assert.equal(clock.at(90_000, 1000), base + 1000);
  assert.equal(clock.report(0xffff_ffff, base + 900, 1000), true);
  assert.equal(clock.at(89_999, 2100), base + 1900);
  assert.equal(clock.at(90_000 * 60, 2100), base + 2100, 'too far from its arrival');
  for (const [name, ntpMs] of [
    ['never set', 946_684_800_000],
    ['an hour off', base + 3_600_000],
    ['unknown', undefined],
  ] as const) {
    assert.equal(clock.report(0, ntpMs, 1000), false, name);
    assert.equal(clock.at(0, 1000), base + 1000, name);
  }
  assert.equal(clock.refused, 3);
});

test('a camera that lags by about as much as is believed is dated by its reports once, then by arrival, not in turns', () => {
  const anchor = new WallAnchor();
  const base = 1_760_000_000_000;
  anchor.observe(0, base);
  const clock = new CaptureClock(anchor, 1000);
  clock.report(0, base, 0);
  const lagsMs = [4900, 5100, 4900, 5100, 1100, 900, 4900];
  const dated = lagsMs.map((lagMs, i) =>
    clock.at(i * 1000, i * 1000 + lagMs) === base + i * 1000 ? 'report' : 'arrival',
  );
  assert.deepEqual(dated, ['report', 'arrival', 'arrival', 'arrival', 'arrival', 'report', 'report']);
});
