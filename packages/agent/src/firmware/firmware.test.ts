import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readAr, writeAr } from './archive/ar.ts';
import { gunzip, gzip } from './archive/gzip.ts';
import { type ArchiveFile, readTar, writeTar } from './archive/tar.ts';
import { buildFirmware } from './build.ts';
import { manifestOf, signedManifest } from './manifest.ts';
import { findProfile, listProfiles, packageFormats } from './profile.ts';
import { openPublicKey, openSigningKey, publicKeyText } from './signing-key.ts';
import { unpackFirmware, verifyFirmware } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'watchpost-firmware-'));
after(() => rmSync(folder, { recursive: true }));
const keyFile = join(folder, 'key.pem');
const agent = Buffer.from('console.log("agent")\n');
const build = (camera: string, output: string, more: object = {}) =>
  buildFirmware({ camera, output: join(folder, output), keyFile, agent, formats: packageFormats, ...more });

test('what tar writes it reads, names of 150 bytes too, in order of paths', () => {
  const long = `${'d'.repeat(60)}/${'f'.repeat(90)}`;
  const files: ArchiveFile[] = [
    { path: 'b/run', mode: 0o755, bytes: Buffer.from('x') },
    { path: 'a', mode: 0o600, bytes: new Uint8Array(1024) },
    { path: long, mode: 0o644, bytes: new Uint8Array(0) },
  ];
  const read = readTar(writeTar(files, './'));
  assert.deepEqual(
    read.map(({ path, mode, bytes }) => [path, mode, bytes.length]),
    [
      ['a', 0o600, 1024],
      ['b/run', 0o755, 1],
      [long, 0o644, 0],
    ],
  );
});

test('archives that nobody of us wrote are refused', () => {
  const good = Buffer.from(writeTar([{ path: 'a', mode: 0o644, bytes: Buffer.from('content') }]));
  const changed = (at: number, byte: number) => Buffer.from(good).fill(byte, at, at + 1);
  const outside = writeTar([{ path: '../a', mode: 0o644, bytes: agent }]);
  const cases: [bytes: Uint8Array, message: RegExp][] = [
    [changed(0, 0x62), /wrong checksum/],
    [good.subarray(0, 515), /ends in the middle/],
    [good.subarray(0, 1024), /has no end/],
    [outside, /outside/],
  ];
  for (const [bytes, message] of cases) assert.throws(() => readTar(bytes), { code: 'FIRMWARE_ARCHIVE', message });
  assert.throws(() => readAr(Buffer.from('!<arch>\nshort')), { code: 'FIRMWARE_ARCHIVE' });
  assert.throws(() => readAr(agent), { code: 'FIRMWARE_ARCHIVE' });
  assert.throws(() => gunzip(agent), { code: 'FIRMWARE_ARCHIVE' });
});

test('ar keeps odd lengths apart; gzip tells neither time nor system', () => {
  const members = [
    { name: 'debian-binary', bytes: Buffer.from('2.0') },
    { name: 'data', bytes: Buffer.from('ab') },
  ];
  assert.deepEqual(
    readAr(writeAr(members)).map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]),
    [
      ['debian-binary', '2.0'],
      ['data', 'ab'],
    ],
  );
  const packed = gzip(agent);
  assert.deepEqual([...packed.subarray(4, 8), packed[9]], [0, 0, 0, 0, 255]);
  assert.deepEqual(Buffer.from(gunzip(packed)), agent);
});

test('every profile is found by its id, aliases and models, and no name means two', () => {
  const names = new Map<string, string>();
  for (const profile of listProfiles())
    for (const name of [profile.id, ...profile.aliases, ...profile.models]) {
      assert.equal(findProfile(name).id, profile.id, name);
      const plain = name.toLowerCase().replaceAll(/[\s_-]+/g, '');
      assert.equal(names.get(plain) ?? profile.id, profile.id, `${name} is used twice`);
      names.set(plain, profile.id);
    }
  assert.equal(findProfile('dahua-2449s-il').id, 'dahua-2449');
  assert.equal(findProfile('IPC-HFW2449S-S-IL-0280B').id, 'dahua-2449');
  assert.throws(() => findProfile('toaster'), { code: 'FIRMWARE_PROFILE_UNKNOWN', message: /generic-onvif/ });
});

test('a profile of one’s own is read from a file, and told what is wrong with it', () => {
  const file = join(folder, 'mine.json');
  const mine = { ...findProfile('generic-onvif'), id: 'mine' };
  writeFileSync(file, JSON.stringify(mine));
  assert.equal(findProfile(file).id, 'mine');
  for (const [change, message] of [
    [{ id: 'Bad Id' }, /"id"/],
    [{ rtsp: { port: 99_999, main: '/' } }, /"rtsp"/],
    [{ formats: ['exe'] }, /"formats"/],
    [{ notes: 'text' }, /"notes"/],
  ] as const) {
    writeFileSync(file, JSON.stringify({ ...mine, ...change }));
    assert.throws(() => findProfile(file), { code: 'FIRMWARE_PROFILE_INVALID', message });
  }
});

test('the same inputs give the same bytes in every format', async () => {
  const first = await build('dahua-2449', 'one', { serverUrl: 'wss://s.example/tunnel', token: 'secret' });
  const second = await build('dahua-2449', 'two', { serverUrl: 'wss://s.example/tunnel', token: 'secret' });
  assert.equal(first.files.length, packageFormats.length);
  assert.deepEqual(
    first.files.map(({ sha256 }) => sha256),
    second.files.map(({ sha256 }) => sha256),
  );
  for (const { path } of first.files) assert.equal(statSync(path).mode & 0o777, 0o600, 'packages hold a token');
});

test('verify takes what build made, and nothing else', async () => {
  const { files, publicKey } = await build('axis-m30', 'verify');
  const key = openPublicKey(publicKey);
  const other = generateKeyPairSync('ed25519').publicKey;
  for (const { path } of files) {
    assert.equal(verifyFirmware(path, key).profile, 'axis-m30', path);
    assert.equal(verifyFirmware(path, openPublicKey(keyFile)).version, '0.1.0');
    assert.throws(() => verifyFirmware(path, other), { code: 'FIRMWARE_SIGNATURE' });
  }
  const whole = unpackFirmware(readFileSync(files[0]!.path));
  const pack = (list: readonly ArchiveFile[]) => {
    const path = join(folder, 'changed.tar.gz');
    writeFileSync(path, gzip(writeTar(list)));
    return path;
  };
  const cases: [name: string, list: ArchiveFile[]][] = [
    ['another content', whole.map((file) => (file.path.endsWith('/run') ? { ...file, bytes: agent } : file))],
    ['other permissions', whole.map((file) => (file.path.endsWith('/agent.js') ? { ...file, mode: 0o755 } : file))],
    ['is missing', whole.filter(({ path }) => !path.endsWith('/supervise'))],
    ['not in its manifest', [...whole, { path: 'watchpost-agent-0.1.0/more', mode: 0o644, bytes: agent }]],
    ['no manifest', whole.filter(({ path }) => !path.endsWith('.sig'))],
  ];
  for (const [name, list] of cases)
    assert.throws(() => verifyFirmware(pack(list), key), { code: 'FIRMWARE_DAMAGED', message: new RegExp(name) }, name);
});

test('a manifest is signed as it stands, key files are for their owner only', () => {
  const { key } = openSigningKey(keyFile);
  assert.equal(statSync(keyFile).mode & 0o777, 0o600);
  assert.equal(publicKeyText(key).length, 44);
  const about = { version: '1', profile: 'p', package: 'tar.gz', architecture: 'all' };
  const [manifest, signature] = signedManifest(
    manifestOf([{ path: 'a', mode: 0o644, bytes: agent }], about),
    key,
    'x/',
  );
  assert.equal(manifest!.path, 'x/manifest.json');
  assert.match(Buffer.from(signature!.bytes).toString(), /^[A-Za-z0-9+/]{86}==\n$/);
});

test('what is packed for a camera names its ports and paths, the server and the key for updates', async () => {
  const { files, publicKey } = await build('dahua-2449', 'config', {
    cameraHost: '192.0.2.7',
    serverUrl: 'wss://s.example/tunnel',
    token: 'secret',
    formats: ['tar.gz'],
  });
  const packed = unpackFirmware(readFileSync(files[0]!.path)).find(({ path }) => path.endsWith('/agent.json'))!;
  const config = JSON.parse(Buffer.from(packed.bytes).toString());
  assert.deepEqual(config.agent, {
    tunnel_server_url: 'wss://s.example/tunnel',
    tunnel_server_token: 'secret',
    update_key: publicKey,
  });
  assert.equal(config.cameras[0].rtsp_path, '/cam/realmonitor?channel=1&subtype=0');
  assert.deepEqual([config.cameras[0].host, config.cameras[0].ports], ['192.0.2.7', [80]]);
  assert.equal(packed.mode, 0o600);
});

test('a runtime is packed for its processor; what is no program is refused', async () => {
  const program = join(folder, 'node');
  const elf = Buffer.alloc(64);
  elf.writeUInt32BE(0x7f454c46);
  elf.set([2, 1], 4);
  elf.writeUInt16LE(0xb7, 18);
  writeFileSync(program, elf);
  const { files } = await build('axis-m30', 'runtime', { runtimeFile: program, formats: ['eap', 'deb'] });
  assert.match(files[0]!.path, /watchpost_agent_0_1_0_aarch64\.eap$/);
  assert.match(files[1]!.path, /_arm64\.deb$/);
  const eap = unpackFirmware(readFileSync(files[0]!.path));
  const names = eap.map(({ path }) => path);
  for (const name of ['manifest.json', 'package.conf', 'param.conf', 'LICENSE', 'watchpost_agent', 'runtime/node'])
    assert.ok(names.includes(name), name);
  const manifest = JSON.parse(Buffer.from(eap.find(({ path }) => path === 'manifest.json')!.bytes).toString());
  assert.equal(manifest.acapPackageConf.setup.architecture, 'aarch64');
  writeFileSync(program, 'no program');
  await assert.rejects(build('axis-m30', 'runtime', { runtimeFile: program }), { code: 'FIRMWARE_RUNTIME' });
});
