import { readdirSync, readFileSync } from 'node:fs';
import { WatchpostError } from '@watchpost/base/errors.ts';

/** Names of package formats. */
export const packageFormats = ['tar.gz', 'deb', 'ipk', 'eap', 'openipc', 'container'] as const;

/** One of `packageFormats`. */
export type PackageFormat = (typeof packageFormats)[number];

/** What the builder knows about a kind of camera: a JSON file in `profiles/`, never code. */
export interface FirmwareProfile {
  readonly id: string;
  /** Other names that people use for it. */
  readonly aliases: readonly string[];
  readonly vendor: string;
  readonly models: readonly string[];
  /** Processor of the device that the agent is meant for. */
  readonly architecture: string;
  /** `inside`: the agent runs on the camera; `beside`: on a machine of the same network. */
  readonly runs: 'inside' | 'beside';
  readonly rtsp: { readonly port: number; readonly main: string; readonly sub?: string };
  /** TCP ports that are carried: name to number. */
  readonly ports: Readonly<Record<string, number>>;
  readonly init: 'systemd' | 'procd' | 'busybox' | 'auto' | 'none';
  /** The usual one first; that is built unless another is asked for. */
  readonly formats: readonly PackageFormat[];
  readonly limits: Readonly<Record<string, number | string>>;
  /** What can run the agent there. */
  readonly runtime: string;
  /** What the vendor accepts and demands. */
  readonly notes: readonly string[];
}

const folder = new URL('./profiles/', import.meta.url);

/** All profiles that come with the builder, by id. */
export function listProfiles(): FirmwareProfile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => readProfile(new URL(name, folder)));
}

/**
 * The profile that a name means: an id, an alias, a model, in any case and with any of ` _-` between; or a JSON file of
 * one's own. Throws `not_found` (`FIRMWARE_PROFILE_UNKNOWN`) with the names that exist.
 */
export function findProfile(name: string): FirmwareProfile {
  if (name.endsWith('.json')) return readProfile(name);
  const profiles = listProfiles();
  const wanted = plain(name);
  const names = ({ id, aliases, models }: FirmwareProfile) => [id, ...aliases, ...models].map(plain);
  const found =
    profiles.find((profile) => names(profile).includes(wanted)) ??
    // A model in full (`IPC-HFW2449S-S-IL-0280B`) begins with a name that is known.
    profiles.find((profile) => names(profile).some((known) => known.length > 6 && wanted.startsWith(known)));
  if (found) return found;
  throw new WatchpostError(
    `there is no profile for "${name}" — there are ${profiles.map(({ id }) => id).join(', ')}; "generic-onvif" fits most cameras, and --camera takes a JSON file of your own`,
    { kind: 'not_found', code: 'FIRMWARE_PROFILE_UNKNOWN' },
  );
}

function readProfile(file: URL | string): FirmwareProfile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw wrong(file, 'it cannot be read as JSON', cause);
  }
  const problem = problemOf(value as Record<string, unknown>);
  if (problem !== undefined) throw wrong(file, problem);
  return value as FirmwareProfile;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isPort = (value: unknown) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536;

function problemOf(value: Record<string, unknown>): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it holds no object';
  if (!isText(value['id']) || !/^[a-z0-9][a-z0-9-]*$/.test(value['id'])) return '"id" must be like "dahua-2449"';
  for (const key of ['vendor', 'architecture', 'runtime']) if (!isText(value[key])) return `"${key}" must be a text`;
  for (const key of ['aliases', 'models', 'notes']) if (!isTexts(value[key])) return `"${key}" must be a list of texts`;
  const rtsp = value['rtsp'] as Record<string, unknown> | undefined;
  if (!rtsp || !isPort(rtsp['port']) || !isText(rtsp['main'])) return '"rtsp" must have "port" and "main"';
  const ports = value['ports'];
  if (typeof ports !== 'object' || ports === null || !Object.values(ports).every(isPort))
    return '"ports" must hold names with port numbers';
  if (!['inside', 'beside'].includes(value['runs'] as string)) return '"runs" must be "inside" or "beside"';
  if (!['systemd', 'procd', 'busybox', 'auto', 'none'].includes(value['init'] as string))
    return '"init" must be "systemd", "procd", "busybox", "auto" or "none"';
  const formats = value['formats'];
  if (
    !isTexts(formats) ||
    formats.length === 0 ||
    !formats.every((name) => packageFormats.includes(name as PackageFormat))
  )
    return `"formats" must be a list of ${packageFormats.join(', ')}`;
  if (typeof value['limits'] !== 'object' || value['limits'] === null) return '"limits" must be an object';
  return undefined;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]+/g, '');
}

function wrong(file: URL | string, problem: string, cause?: unknown): WatchpostError {
  return new WatchpostError(`the profile ${file instanceof URL ? file.pathname : file} is wrong: ${problem}`, {
    kind: 'invalid_argument',
    code: 'FIRMWARE_PROFILE_INVALID',
    cause,
  });
}
