import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { version } from '../version.ts';
import { type AgentSettings, agentConfig } from './agent-config.ts';
import { bundleAgent } from './bundle.ts';
import { buildEap } from './formats/eap.ts';
import { buildContainer, buildDebian, buildOpenIpc, buildOpkg, buildTarball } from './formats/system.ts';
import { sha256 } from './manifest.ts';
import type { BuiltPackage, PackageParts } from './package-parts.ts';
import { type FirmwareProfile, findProfile, type PackageFormat } from './profile.ts';
import { openSigningKey, publicKeyText } from './signing-key.ts';

/** What to build. */
export interface FirmwareOptions extends AgentSettings {
  /** Profile, alias, model, or a JSON file. */
  readonly camera: string;
  /** Folder for the packages; made if missing. */
  readonly output: string;
  /** PEM file of the signing key; made if missing. */
  readonly keyFile: string;
  /** By default the first of the profile. */
  readonly formats?: readonly PackageFormat[];
  /** A program that runs JavaScript as Node does, to be packed in. */
  readonly runtimeFile?: string;
  /** The agent itself; made from the sources if missing. */
  readonly agent?: Uint8Array;
}

/** What was built. */
export interface FirmwareResult {
  readonly profile: FirmwareProfile;
  readonly version: string;
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** Base64 of the public key: for `firmware verify` and in the agents' configuration. */
  readonly publicKey: string;
  readonly isNewKey: boolean;
}

const builders: Readonly<Record<PackageFormat, (parts: PackageParts) => BuiltPackage>> = {
  'tar.gz': buildTarball,
  deb: buildDebian,
  ipk: buildOpkg,
  eap: buildEap,
  openipc: buildOpenIpc,
  container: buildContainer,
};

/** Builds packages of the agent. The same sources, options and key give the same bytes. Throws `WatchpostError`. */
export async function buildFirmware(options: FirmwareOptions): Promise<FirmwareResult> {
  const profile = findProfile(options.camera);
  const formats = options.formats ?? profile.formats.slice(0, 1);
  const runtime = options.runtimeFile === undefined ? undefined : readRuntime(options.runtimeFile);
  const agent = options.agent ?? (await bundleAgent());
  const { key, isNew } = openSigningKey(options.keyFile);
  const publicKey = publicKeyText(key);
  const parts: PackageParts = {
    version,
    profile,
    architecture: runtime?.architecture ?? 'all',
    agent,
    config: Buffer.from(agentConfig(profile, options, publicKey)),
    ...(runtime && { runtime: runtime.bytes }),
    license: readFileSync(new URL('../../../../LICENSE', import.meta.url)),
    key,
  };
  mkdirSync(options.output, { recursive: true });
  const files = formats.map((format) => {
    const { fileName, bytes } = builders[format](parts);
    const path = resolve(join(options.output, fileName));
    writeWhole(path, bytes);
    writeWhole(`${path}.sha256`, Buffer.from(`${sha256(bytes)}  ${fileName}\n`));
    return { path, bytes: bytes.length, sha256: sha256(bytes) };
  });
  return { profile, version, files, publicKey, isNewKey: isNew };
}

/** Packages hold the enrolment token, so only their owner may read them. */
function writeWhole(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.part`, bytes, { mode: 0o600 });
  renameSync(`${path}.part`, path);
}

const elfMachines: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64', 40: 'armv7', 8: 'mips' };

function readRuntime(file: string): { bytes: Uint8Array; architecture: string } {
  const problem = (what: string) =>
    new WatchpostError(`the runtime ${file} ${what}`, { kind: 'invalid_argument', code: 'FIRMWARE_RUNTIME' });
  if (!existsSync(file)) throw problem('does not exist');
  const bytes = readFileSync(file);
  if (bytes.length < 20 || bytes.readUInt32BE(0) !== 0x7f454c46) throw problem('is no program for Linux (ELF)');
  const machine = bytes[5] === 2 ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18);
  const architecture = elfMachines[machine];
  if (architecture === undefined) throw problem(`is for a processor of type ${machine}, which is unknown here`);
  return { bytes, architecture };
}
