import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { PacedReads } from './paced-reads.ts';
import { RestRounds } from './rest-rounds.ts';

/** A camera of so many bytes a second, which sends 25 times a second; what is there is read while the connection does not rest. */
function openLink(bytesPerSecond: number) {
  const clock = new ManualClock();
  const link = {
    clock,
    patienceMs: Number.POSITIVE_INFINITY,
    reads: [] as number[],
    waiting: 0,
    mostWaiting: 0,
    advance,
    paced: undefined! as PacedReads,
  };
  let isReading = true;
  const read = () => {
    if (!isReading || link.waiting === 0) return;
    const bytes = link.waiting;
    link.waiting = 0;
    link.reads.push(bytes);
    isReading = link.paced.goesOn(bytes);
  };
  link.paced = new PacedReads({
    clock,
    rounds: new RestRounds(clock),
    patienceMs: () => link.patienceMs,
    resume: () => {
      isReading = true;
      read();
    },
  });
  function advance(seconds: number, pictureBytes = bytesPerSecond / 25): void {
    for (let i = 0; i < seconds * 25; i++) {
      link.waiting += pictureBytes;
      link.mostWaiting = Math.max(link.mostWaiting, link.waiting);
      read();
      clock.advance(40);
    }
  }
  return link;
}

/** Reads a second, once it is steady. */
function readsPerSecond(link: ReturnType<typeof openLink>): number {
  link.advance(30);
  link.reads.length = 0;
  link.mostWaiting = 0;
  link.advance(10);
  return link.reads.length / 10;
}

for (const [what, mbps, least, most] of [
  ['1 Mbit/s is read five times a second', 1, 4, 5.1],
  ['at 4 Mbit/s a rest is short, so that what comes meanwhile fits the window', 4, 10, 15],
  ['at 10 Mbit/s each picture is read', 10, 25, 25],
] as const)
  test(what, () => {
    const link = openLink((mbps * 1_000_000) / 8);
    const rate = readsPerSecond(link);
    assert.ok(rate >= least && rate <= most, `${rate} reads a second`);
    assert.ok(link.mostWaiting <= 50_000, `${link.mostWaiting} bytes waited`);
  });

test('each picture is read at first, and from the end of the rest on in which somebody comes to watch', () => {
  const link = openLink(125_000);
  link.advance(5);
  assert.equal(link.reads.length, 125);
  link.advance(5);
  assert.ok(link.reads.length < 170, `${link.reads.length}`);
  link.patienceMs = 0;
  link.advance(0.24);
  link.reads.length = 0;
  link.advance(4);
  assert.equal(link.reads.length, 100);
});

test('it rests no longer than pictures may wait, and not at all where that spares nothing', () => {
  const link = openLink(125_000);
  link.patienceMs = 90;
  const rate = readsPerSecond(link);
  assert.ok(rate > 7 && rate < 13, `${rate} reads a second`);
  link.patienceMs = 39;
  link.advance(0.24);
  link.reads.length = 0;
  link.advance(4);
  assert.equal(link.reads.length, 100);
});

test('after a large picture, which fills the window, reading goes on at once', () => {
  const link = openLink(125_000);
  link.advance(20);
  link.waiting = 60_000;
  link.advance(0.24);
  const large = link.reads.findIndex((bytes) => bytes >= 60_000);
  link.reads.splice(0, large + 1);
  assert.ok(large > 0 && link.reads.length > 0, 'the picture after it was read by itself');
  assert.ok(link.reads[0]! <= 5000, `${link.reads[0]}`);
});

test('one that was told to stop resting is woken, and never rests again', () => {
  const link = openLink(125_000);
  link.advance(20.04);
  link.paced.stop();
  assert.equal(link.waiting, 0);
  link.reads.length = 0;
  link.advance(4);
  assert.equal(link.reads.length, 100);
});

test('a transport that cannot rest is left alone', () => {
  const clock = new ManualClock();
  let resumed = 0;
  const rounds = new RestRounds(clock);
  const paced = new PacedReads({ clock, rounds, patienceMs: () => 210, resume: () => void resumed++ });
  for (let i = 0; i < 2500; i++) {
    paced.goesOn(5000);
    clock.advance(40);
  }
  assert.ok(resumed > 400 && resumed < 500, `woken ${resumed} times in 95 s`);
});
