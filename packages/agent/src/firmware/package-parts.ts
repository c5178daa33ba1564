import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ArchiveFile } from './archive/tar.ts';
import type { FirmwareProfile } from './profile.ts';

/** What all formats are made of. */
export interface PackageParts {
  readonly version: string;
  readonly profile: FirmwareProfile;
  /** Name of the machine's processor for this package: `arm64`, `armv7`, `x64` or `all`. */
  readonly architecture: string;
  /** The agent, one file of JavaScript. */
  readonly agent: Uint8Array;
  /** `agent.json`. */
  readonly config: Uint8Array;
  /** A program that runs JavaScript as Node does, for that processor. */
  readonly runtime?: Uint8Array;
  readonly license: Uint8Array;
  readonly key: KeyObject;
}

/** A package as it is written: name of the file and its bytes. */
export interface BuiltPackage {
  readonly fileName: string;
  readonly bytes: Uint8Array;
}

/** A file of the folder `files/`. */
export function template(name: string): Uint8Array {
  return readFileSync(new URL(`./files/${name}`, import.meta.url));
}

/** A text as a file. */
export function textFile(path: string, text: string, mode = 0o644): ArchiveFile {
  return { path, mode, bytes: Buffer.from(text) };
}

/** A file of the folder `files/` at a path of the package. */
export function templateFile(path: string, name: string, mode = 0o644): ArchiveFile {
  return { path, mode, bytes: template(name) };
}

/** Where packages for whole systems put the agent. */
export const libFolder = 'usr/lib/watchpost-agent/';

/** The agent with its start scripts below `folder`. */
export function programFiles(parts: PackageParts, folder: string): ArchiveFile[] {
  return [
    { path: `${folder}agent.js`, mode: 0o644, bytes: parts.agent },
    templateFile(`${folder}run`, 'run', 0o755),
    templateFile(`${folder}supervise`, 'supervise', 0o755),
    { path: `${folder}LICENSE`, mode: 0o644, bytes: parts.license },
    ...(parts.runtime ? [{ path: `${folder}runtime/node`, mode: 0o755, bytes: parts.runtime }] : []),
  ];
}
