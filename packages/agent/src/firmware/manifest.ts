import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ArchiveFile } from './archive/tar.ts';

/** Names of the two files in every package. */
export const manifestName = 'manifest.json';
/** Base64 of the ed25519 signature (RFC 8032) over the bytes of the manifest. */
export const signatureName = 'manifest.sig';

/** What every package says about itself. */
export interface PackageManifest {
  readonly format: 1;
  readonly name: 'watchpost-agent';
  readonly version: string;
  readonly profile: string;
  readonly package: string;
  readonly architecture: string;
  /** Of all files but the manifest and its signature, by path. */
  readonly files: readonly {
    readonly path: string;
    readonly mode: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
}

/** The manifest of these files. */
export function manifestOf(
  files: readonly ArchiveFile[],
  about: Pick<PackageManifest, 'version' | 'profile' | 'package' | 'architecture'>,
): PackageManifest {
  return {
    format: 1,
    name: 'watchpost-agent',
    version: about.version,
    profile: about.profile,
    package: about.package,
    architecture: about.architecture,
    files: [...files]
      .sort((a, b) => (a.path < b.path ? -1 : 1))
      .map(({ path, mode, bytes }) => ({
        path,
        mode: mode.toString(8).padStart(4, '0'),
        bytes: bytes.length,
        sha256: sha256(bytes),
      })),
  };
}

/** The manifest as a file and its signature, to go into `folder` of the package. */
export function signedManifest(manifest: PackageManifest, key: KeyObject, folder: string): ArchiveFile[] {
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  const signature = Buffer.from(`${sign(null, bytes, key).toString('base64')}\n`);
  return [
    { path: folder + manifestName, mode: 0o644, bytes },
    { path: folder + signatureName, mode: 0o644, bytes: signature },
  ];
}

/**
 * Checks the files of a package against its manifest, and the manifest against the key. Throws `data_loss`
 * (`FIRMWARE_DAMAGED`) where a file differs, is missing or too many; `forbidden` (`FIRMWARE_SIGNATURE`) where the key
 * did not sign it.
 */
export function checkFiles(files: readonly ArchiveFile[], key: KeyObject): PackageManifest {
  const named = (name: string) => files.filter(({ path }) => path === name || path.endsWith(`/${name}`));
  const [manifestFile, ...more] = named(manifestName).filter(({ path }) =>
    files.some((other) => other.path === path.slice(0, -manifestName.length) + signatureName),
  );
  if (!manifestFile || more.length > 0) throw damaged('it has no manifest with a signature, or several');
  const signaturePath = manifestFile.path.slice(0, -manifestName.length) + signatureName;
  const signature = files.find(({ path }) => path === signaturePath)!;
  const given = Buffer.from(Buffer.from(signature.bytes).toString().trim(), 'base64');
  if (!verify(null, manifestFile.bytes, key, given))
    throw new WatchpostError(
      'the signature of the package does not match this key — it was made by somebody else, or changed; do not install it',
      { kind: 'forbidden', code: 'FIRMWARE_SIGNATURE' },
    );
  const manifest = JSON.parse(Buffer.from(manifestFile.bytes).toString()) as PackageManifest;
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  for (const { path, mode, bytes } of files) {
    if (path === manifestFile.path || path === signaturePath) continue;
    const entry = listed.get(path);
    if (!entry) throw damaged(`"${path}" is not in its manifest`);
    listed.delete(path);
    if (entry.sha256 !== sha256(bytes)) throw damaged(`"${path}" has another content than its manifest says`);
    if (Number.parseInt(entry.mode, 8) !== mode)
      throw damaged(`"${path}" has other permissions than its manifest says`);
  }
  if (listed.size > 0) throw damaged(`"${[...listed.keys()][0]}" is missing`);
  return manifest;
}

/** SHA-256, lower-case hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(what: string): WatchpostError {
  return new WatchpostError(`the package is damaged: ${what} — build or download it again`, {
    kind: 'data_loss',
    code: 'FIRMWARE_DAMAGED',
  });
}
