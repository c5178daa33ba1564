import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  chooseChallenge,
  type DigestAlgorithm,
  DigestAnswerer,
  parseAuthorization,
  parseChallenges,
  verifyDigest,
  writeAuthorization,
} from './digest.ts';

const mufasa = { username: 'Mufasa', password: 'Circle of Life' };

test('RFC 7616 §3.9.1: both challenges of the example are answered as there', () => {
  const common =
    'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
  const request = {
    method: 'GET',
    url: '/dir/index.html',
    credentials: mufasa,
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  };
  const responses: [string, string][] = [
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
  ];
  for (const [algorithm, response] of responses) {
    const [challenge] = parseChallenges([`${common}, algorithm=${algorithm}`]);
    const value = writeAuthorization(challenge!, request);
    assert.ok(value.includes(`response="${response}"`), value);
    assert.ok(value.includes(`algorithm=${algorithm}`) && value.includes('qop=auth, nc=00000001'), value);
  }
});

test('RFC 2617 §3.5: the MD5 example is answered as there', () => {
  const [challenge] = parseChallenges([
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
  ]);
  const credentials = { username: 'Mufasa', password: 'Circle Of Life' };
  const value = writeAuthorization(challenge!, {
    method: 'GET',
    url: '/dir/index.html',
    credentials,
    cnonce: '0a4f113b',
  });
  assert.ok(value.includes('response="6629fae49393a05397450978507c4ef1"'), value);
});

test('algorithm is echoed only where the challenge had it (TP-Link answers 401 otherwise)', () => {
  const [without] = parseChallenges(['Digest realm="a", nonce="b"']);
  const value = writeAuthorization(without!, { method: 'DESCRIBE', url: 'rtsp://192.0.2.1/a', credentials: mufasa });
  assert.doesNotMatch(value, /algorithm|qop|cnonce/);
  const md5 = (t: string) => createHash('md5').update(t).digest('hex');
  const expected = md5(`${md5('Mufasa:a:Circle of Life')}:b:${md5('DESCRIBE:rtsp://192.0.2.1/a')}`);
  assert.ok(value.includes(`response="${expected}"`));
});

test('the strongest challenge that can be answered is chosen', () => {
  const cases: [string[], string | undefined][] = [
    [['Basic realm="x"', 'Digest realm="x", nonce="1"', 'Digest realm="x", nonce="2", algorithm=SHA-256'], '2'],
    [['Digest realm="x", nonce="1", algorithm=SHA-512-256', 'Digest realm="x", nonce="3", algorithm="MD5"'], '3'],
    [['Basic realm="x", Digest realm="y", nonce="4", stale=FALSE'], '4'],
    [['Digest realm="x",nonce="5",algorithm=SHA256'], '5'],
    [['Digest realm="x", nonce="6", qop="auth-int"', 'Basic realm="x"'], 'basic'],
    [['Negotiate abc'], undefined],
    [['Digest realm="no nonce"'], undefined],
  ];
  for (const [values, nonce] of cases) {
    const chosen = chooseChallenge(parseChallenges(values));
    assert.equal(chosen?.scheme === 'digest' ? chosen.nonce : chosen?.scheme, nonce, values.join(' | '));
  }
});

test('what the client signs, the server accepts, for each algorithm, with and without qop', () => {
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess'] as DigestAlgorithm[]) {
    for (const qop of ['', ', qop="auth"']) {
      const [challenge] = parseChallenges([`Digest realm="cam \\"1\\"", nonce="n", algorithm=${algorithm}${qop}`]);
      const url = 'rtsp://192.0.2.1:554/main/trackID=0';
      const check = {
        method: 'SETUP',
        url,
        realm: 'cam "1"',
        nonce: 'n',
        credentials: mufasa,
        algorithms: [algorithm],
      };
      const value = (signed: string) =>
        parseAuthorization(writeAuthorization(challenge!, { method: 'SETUP', url: signed, credentials: mufasa }))!;
      assert.ok(verifyDigest(value(url), check), `${algorithm}${qop}`);
      assert.ok(verifyDigest(value('/main/trackID=0'), check), 'path only (Bosch BVMS)');
      assert.ok(verifyDigest(value('rtsp://192.0.2.1:554/main'), check), 'base URL in SETUP (HappyTime, VLC)');
      assert.ok(verifyDigest(value('rtsp://192.0.2.1:554/main/'), check), 'base URL with a slash');
      assert.ok(!verifyDigest(value('rtsp://192.0.2.1:554/other'), check), 'another path');
      assert.ok(!verifyDigest(value(url), { ...check, method: 'PLAY' }), 'another method');
      assert.ok(!verifyDigest(value(url), { ...check, nonce: 'm' }), 'another nonce');
      assert.ok(!verifyDigest(value(url), { ...check, credentials: { ...mufasa, password: 'x' } }), 'another password');
      assert.ok(!verifyDigest(value(url), { ...check, algorithms: [] }), 'an algorithm that was not offered');
    }
  }
});

test('Basic carries any password', () => {
  const credentials = { username: 'админ', password: 'p@:ss#/?%' };
  const value = writeAuthorization({ scheme: 'basic', realm: '' }, { method: 'PLAY', url: '*', credentials });
  assert.deepEqual(parseAuthorization(value), { scheme: 'basic', ...credentials, parameters: {} });
});

test('the nonce count goes up, and starts again with a new nonce', () => {
  const answerer = new DigestAnswerer(mufasa);
  assert.equal(answerer.authorize('PLAY', '*'), undefined);
  assert.equal(answerer.accept(['Digest realm="a", nonce="b", qop="auth"']), 'accepted');
  assert.match(answerer.authorize('PLAY', '*')!, /nc=00000001/);
  assert.match(answerer.authorize('PLAY', '*')!, /nc=00000002/);
  assert.equal(answerer.accept(['Digest realm="a", nonce="c", qop="auth", stale=true']), 'stale');
  assert.match(answerer.authorize('PLAY', '*')!, /nonce="c".*nc=00000001/);
});
