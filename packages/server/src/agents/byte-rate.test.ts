import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { pauseAbove } from './byte-rate.ts';

/** A socket that notes whether it rests. */
function openSocket() {
  const socket = {
    isPaused: false,
    destroyed: false,
    pause: () => {
      socket.isPaused = true;
    },
    resume: () => {
      socket.isPaused = false;
    },
  };
  return socket;
}

test('a second of bytes may come at once; what is more is waited for', () => {
  const clock = new ManualClock();
  const socket = openSocket();
  const pace = pauseAbove(() => 1000, socket, clock);
  pace(1000);
  assert.equal(socket.isPaused, false);
  pace(2000);
  clock.advance(1999);
  assert.equal(socket.isPaused, true);
  clock.advance(1);
  assert.equal(socket.isPaused, false);
});

test('a limit that changes counts for what is under way, also while the socket rests', () => {
  const clock = new ManualClock();
  const socket = openSocket();
  let limit = 0;
  const pace = pauseAbove(() => limit, socket, clock);
  pace(1_000_000);
  assert.equal(socket.isPaused, false);
  clock.advance(5000);
  limit = 1000;
  pace(101_000);
  clock.advance(10_000);
  assert.equal(socket.isPaused, true);
  limit = 90_000;
  clock.advance(500);
  clock.advance(500);
  assert.equal(socket.isPaused, false);
  pace(1_000_000);
  assert.equal(socket.isPaused, true);
  limit = 0;
  clock.advance(500);
  assert.equal(socket.isPaused, false);
});

test('a socket that is gone is left alone', () => {
  const clock = new ManualClock();
  const socket = openSocket();
  const pace = pauseAbove(() => 1000, socket, clock);
  pace(3000);
  socket.destroyed = true;
  clock.advance(60_000);
  assert.equal(socket.isPaused, true);
});
