import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '@watchpost/base/clock.ts';
import type { VerifiedUser } from '../../catalog/identity/types.ts';
import { LoginThrottle } from './login-throttle.ts';
import { PasswordLogin } from './password-login.ts';

const anna = { id: '1', name: 'anna', role: 'viewer' } as VerifiedUser;

function setUp() {
  const asked: string[] = [];
  const answers: ((user: VerifiedUser | undefined) => void)[] = [];
  const verify = (name: string, password: string) => {
    asked.push(`${name}:${password}`);
    return new Promise<VerifiedUser | undefined>((resolve) => answers.push(resolve));
  };
  return { asked, answers, login: new PasswordLogin({ verify }, new LoginThrottle(new ManualClock())) };
}

const attempt = (password: string, address = '192.0.2.1') => ({ name: 'anna', password, address });

test('attempts with the same name and password at one time cost one hash', async () => {
  const { asked, answers, login } = setUp();
  const all = [
    login.check(attempt('right')),
    login.check(attempt('right', '192.0.2.2')),
    login.check(attempt('wrong')),
  ];
  answers[0]!(anna);
  answers[1]!(undefined);
  const results = await Promise.allSettled(all);
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'rejected'],
  );
  assert.deepEqual(asked, ['anna:right', 'anna:wrong']);
  void login.check(attempt('right')).catch(() => {});
  assert.equal(asked.length, 3, 'nothing is remembered: a new password counts at once');
});

test('whoever guesses has to wait, without a hash', async () => {
  const { asked, answers, login } = setUp();
  for (let i = 0; i < 5; i++) {
    const wrong = login.check(attempt(`wrong${i}`));
    answers[i]!(undefined);
    await assert.rejects(wrong, { code: 'LOGIN_WRONG' });
  }
  await assert.rejects(login.check(attempt('right')), { code: 'LOGIN_THROTTLED' });
  assert.equal(asked.length, 5);
});
