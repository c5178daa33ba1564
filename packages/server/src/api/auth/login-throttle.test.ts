import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { LoginThrottle } from './login-throttle.ts';

function waitSeconds(throttle: LoginThrottle, address: string, name: string): number {
  try {
    throttle.check(address, name);
    return 0;
  } catch (error) {
    assert.ok(error instanceof WatchpostError);
    return Number(error.context['retryAfterSeconds']);
  }
}

function fail(throttle: LoginThrottle, times: number, address: string, name: string): void {
  for (let i = 0; i < times; i++) throttle.failed(address, name);
}

test('the delay begins with the fifth failure and doubles up to a quarter of an hour by address', () => {
  const throttle = new LoginThrottle(new ManualClock());
  const delays: number[] = [];
  for (let i = 0; i < 16; i++) {
    throttle.failed('192.0.2.1', `name${i}`);
    delays.push(waitSeconds(throttle, '192.0.2.1', 'other'));
  }
  assert.deepEqual(delays, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
});

test('nobody can lock out a name for longer than half a minute', () => {
  const throttle = new LoginThrottle(new ManualClock());
  for (let i = 0; i < 200; i++) throttle.failed(`192.0.2.${i}`, 'anna');
  assert.equal(waitSeconds(throttle, '203.0.113.1', 'Anna'), 30);
});

test('a right password forgives, and so does an hour', () => {
  const clock = new ManualClock();
  const throttle = new LoginThrottle(clock);
  fail(throttle, 6, '192.0.2.1', 'anna');
  throttle.succeeded('192.0.2.1', 'anna');
  assert.equal(waitSeconds(throttle, '192.0.2.1', 'anna'), 0);
  fail(throttle, 6, '192.0.2.1', 'anna');
  clock.advance(3_600_001);
  throttle.failed('192.0.2.1', 'anna');
  assert.equal(waitSeconds(throttle, '192.0.2.1', 'anna'), 0);
});

test('addresses of one IPv6 household count as one', () => {
  const throttle = new LoginThrottle(new ManualClock());
  for (let i = 0; i < 6; i++) throttle.failed(`2001:db8:0:1::${i + 1}`, `name${i}`);
  assert.equal(waitSeconds(throttle, '2001:db8::1:a:b:c:d', 'x'), 2);
  assert.equal(waitSeconds(throttle, '2001:db8:0:2::1', 'x'), 0);
});
