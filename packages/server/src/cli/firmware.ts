import { existsSync, readFileSync } from 'node:fs';
import { buildFirmware } from '@watchpost/agent/firmware/build.ts';
import { listProfiles, type PackageFormat, packageFormats } from '@watchpost/agent/firmware/profile.ts';
import { openPublicKey } from '@watchpost/agent/firmware/signing-key.ts';
import { verifyFirmware } from '@watchpost/agent/firmware/verify.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { alignTable } from './table.ts';
import { pickAction } from './user.ts';

const defaultKeyFile = 'watchpost-firmware.key';

/** `watchpost firmware build|list|verify`: packages of the edge agent. */
export const firmwareCommand: Command = {
  usage: 'firmware <action> [file]',
  description: 'build, list, verify FILE: packages of the edge agent for cameras, routers and small computers',
  flags: [
    ['--camera <name>', 'profile, alias or model ("firmware list"), or a JSON file of your own'],
    ['--output <folder>', 'where packages go (firmware)'],
    ['--format <names>', `${packageFormats.join(', ')}, by commas; "all" that the profile knows`],
    ['--server <url>', 'address of the tunnel server: wss://HOST/tunnel'],
    ['--token-file <file>', 'enrolment token; or WATCHPOST_ENROLMENT_TOKEN (a flag would show it to other users)'],
    ['--agent-id <id>', 'name of this one agent; without it each agent makes its own'],
    ['--camera-host <host>', 'address of the camera as the agent sees it'],
    ['--tunnel-port <port>', 'port wished for on the server (8554)'],
    ['--runtime <file>', 'a Node for the target, to be packed in'],
    ['--key <file>', `signing key, made at the first use (${defaultKeyFile}); for verify also a public key`],
  ],
  examples: [
    'firmware list',
    'firmware build --camera dahua-2449 --server wss://watch.example/tunnel --token-file token --output firmware/',
    'firmware verify firmware/dahua-2449_firmware.tar.gz --key watchpost-firmware.key',
  ],
  needsNoConfig: true,
  async run([action, file], flags) {
    const actions: Readonly<Record<string, () => Promise<void> | void>> = {
      build: () => build(flags),
      list: () => list(flags),
      verify: () => verify(file, flags),
    };
    await pickAction('firmware', action, actions)();
    return EXIT.fine;
  },
};

async function build(flags: Flags): Promise<void> {
  const camera = textFlag(flags, 'camera');
  if (camera === undefined) throw usageError('--camera is missing: "watchpost firmware list" shows the names');
  const token = readToken(flags);
  const optional = {
    serverUrl: textFlag(flags, 'server'),
    token,
    agentId: textFlag(flags, 'agentId'),
    cameraHost: textFlag(flags, 'cameraHost'),
    tunnelPort: portFlag(flags),
    runtimeFile: textFlag(flags, 'runtime'),
    formats: await formatsOf(flags, camera),
  };
  const result = await buildFirmware({
    camera,
    output: textFlag(flags, 'output') ?? 'firmware',
    keyFile: textFlag(flags, 'key') ?? defaultKeyFile,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  });
  const { profile, version, files, publicKey, isNewKey } = result;
  if (flags['json'] === true) {
    process.stdout.write(`${JSON.stringify({ profile: profile.id, version, files, public_key: publicKey })}\n`);
    return;
  }
  const lines = files.map(({ path, bytes, sha256 }) => `${path}  ${Math.ceil(bytes / 1000)} kB  sha256 ${sha256}`);
  lines.push('', `${profile.vendor}, version ${version}, signed with ${publicKey}`);
  if (isNewKey) lines.push('The signing key is new: keep it safe, agents take updates that it signed.');
  lines.push('', `Runtime: ${profile.runtime}`, ...profile.notes.map((note) => `- ${note}`));
  if (optional.serverUrl === undefined || token === undefined)
    lines.push(
      '',
      'Set tunnel_server_url and tunnel_server_token in agent.json, or build with --server and --token-file.',
    );
  process.stdout.write(`${lines.join('\n')}\n`);
}

function list(flags: Flags): void {
  const profiles = listProfiles();
  if (flags['json'] === true) {
    process.stdout.write(`${JSON.stringify({ profiles })}\n`);
    return;
  }
  const rows = profiles.map(({ id, vendor, runs, formats, aliases }) => [
    id,
    vendor,
    `${runs} the camera`,
    formats.join(' '),
    aliases.join(' '),
  ]);
  const lines = alignTable([['PROFILE', 'VENDOR', 'RUNS', 'FORMATS', 'ALSO'], ...rows]);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function verify(file: string | undefined, flags: Flags): void {
  if (file === undefined) throw usageError('firmware verify needs the file of a package');
  const manifest = verifyFirmware(file, openPublicKey(textFlag(flags, 'key') ?? defaultKeyFile));
  if (flags['json'] === true) process.stdout.write(`${JSON.stringify(manifest)}\n`);
  else
    process.stdout.write(
      `${file}: ${manifest.name} ${manifest.version} for ${manifest.profile} (${manifest.package}), ${manifest.files.length} files, signature right\n`,
    );
}

async function formatsOf(flags: Flags, camera: string): Promise<readonly PackageFormat[] | undefined> {
  const text = textFlag(flags, 'format');
  if (text === undefined) return undefined;
  const { findProfile } = await import('@watchpost/agent/firmware/profile.ts');
  if (text === 'all') return findProfile(camera).formats;
  const names = text.split(',').map((name) => name.trim().replace(/^\./, ''));
  for (const name of names)
    if (!packageFormats.includes(name as PackageFormat))
      throw usageError(`there is no format "${name}" — there are ${packageFormats.join(', ')}`);
  return names as PackageFormat[];
}

function readToken(flags: Flags): string | undefined {
  const file = textFlag(flags, 'tokenFile');
  if (file === undefined) return process.env['WATCHPOST_ENROLMENT_TOKEN'];
  if (!existsSync(file)) throw usageError(`--token-file: there is no file ${file}`);
  return readFileSync(file, 'utf8').trim();
}

function portFlag(flags: Flags): number | undefined {
  const text = textFlag(flags, 'tunnelPort');
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65536) return Number(text);
  throw usageError(`--tunnel-port: "${text}" is no port between 1 and 65535`);
}
