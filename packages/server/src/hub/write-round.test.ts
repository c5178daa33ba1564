import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { SharedLog } from './shared-log.ts';
import { WriteRound } from './write-round.ts';

/** A socket that takes two bytes before it wants to drain. */
function openSocket(taken: string[], name: string) {
  const socket = new Writable({ highWaterMark: 3, write: (chunk) => void taken.push(`${name}${chunk}`) });
  const writer = { blocked: 0, onBlocked: () => void writer.blocked++ };
  return { socket, writer };
}

test('what is written in a round goes out at its end, in order; else at once; who is full is told then', () => {
  const round = new WriteRound();
  const taken: string[] = [];
  const a = openSocket(taken, 'a');
  const b = openSocket(taken, 'b');
  round.write(a.socket, Buffer.from('1'), a.writer);
  assert.deepEqual(taken, ['a1']);
  round.begin();
  round.write(b.socket, Buffer.from('22'), b.writer);
  round.write(a.socket, Buffer.from('333'), a.writer);
  assert.deepEqual([taken, a.writer.blocked], [['a1'], 0]);
  round.end();
  assert.deepEqual(taken, ['a1', 'b22'], 'a is still busy with its first');
  assert.deepEqual([a.writer.blocked, b.writer.blocked, a.socket.writableLength], [1, 0, 4]);
  round.begin();
  round.end();
  assert.equal(a.socket.writableLength, 4, 'nothing is written twice');
});

test('readers of a log write when all of them were told, and at once after one of them threw', () => {
  const clock = new ManualClock();
  const log = new SharedLog<string>({ clock, cacheLimitBytes: 1000 });
  const taken: string[] = [];
  const told: string[] = [];
  let fails = false;
  for (const name of ['a', 'b']) {
    const { socket, writer } = openSocket(taken, name);
    const reader = log.open({
      protocol: 'test',
      start: 'live',
      onReady: () => {
        told.push(name, ...taken);
        if (fails) throw new Error('broken');
        for (const item of reader.pull()) reader.round.write(socket, Buffer.from(item), writer);
      },
    });
    reader.pull();
  }
  const append = (item: string) => {
    log.append(item, { randomAccess: true, bytes: 1, atMs: 0 });
    log.flush();
  };
  append('1');
  assert.deepEqual(
    [told, taken],
    [
      ['a', 'b'],
      ['a1', 'b1'],
    ],
  );
  fails = true;
  assert.throws(() => append('2'), /broken/);
  const late = openSocket(taken, 'c');
  log.open({ protocol: 'test', start: 'live' }).round.write(late.socket, Buffer.from('3'), late.writer);
  assert.equal(taken.at(-1), 'c3');
});
