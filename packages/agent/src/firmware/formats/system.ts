import { writeAr } from '../archive/ar.ts';
import { gzip } from '../archive/gzip.ts';
import { type ArchiveFile, writeTar } from '../archive/tar.ts';
import { manifestOf, sha256, signedManifest } from '../manifest.ts';
import {
  type BuiltPackage,
  libFolder,
  type PackageParts,
  programFiles,
  template,
  templateFile,
  textFile,
} from '../package-parts.ts';
import { prefixed } from './prefixed.ts';

const debianNames: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', armv7: 'armhf', all: 'all' };

/** `NAME_firmware.tar.gz`: one folder with `install.sh`, which knows systemd, procd and busybox. */
export function buildTarball(parts: PackageParts): BuiltPackage {
  const files = [
    ...programFiles(parts, ''),
    { path: 'agent.json', mode: 0o600, bytes: parts.config },
    templateFile('install.sh', 'install.sh', 0o755),
    templateFile('uninstall.sh', 'uninstall.sh', 0o755),
    templateFile('watchpost-agent.service', 'watchpost-agent.service'),
    templateFile('watchpost-agent.procd', 'watchpost-agent.procd', 0o755),
    templateFile('watchpost-agent.busybox', 'watchpost-agent.busybox', 0o755),
    templateFile('README.txt', 'README.txt'),
    textFile('NOTES.txt', `${parts.profile.notes.join('\n\n')}\n`),
  ];
  files.push(textFile('SHA256SUMS', sums(files)));
  const folder = `watchpost-agent-${parts.version}/`;
  const manifest = manifestOf(prefixed(folder, files), { ...about(parts), package: 'tar.gz' });
  const all = [...prefixed(folder, files), ...signedManifest(manifest, parts.key, folder)];
  return { fileName: `${parts.profile.id}_firmware.tar.gz`, bytes: gzip(writeTar(all)) };
}

/** A Debian package (deb-control(5), Debian policy §5.3): for gateways, small computers, servers. */
export function buildDebian(parts: PackageParts): BuiltPackage {
  const architecture = debianNames[parts.architecture] ?? parts.architecture;
  const data = [
    ...programFiles(parts, libFolder),
    templateFile('usr/lib/systemd/system/watchpost-agent.service', 'watchpost-agent.service'),
    { path: 'etc/watchpost-agent/agent.json', mode: 0o600, bytes: parts.config },
    { path: 'usr/share/doc/watchpost-agent/copyright', mode: 0o644, bytes: parts.license },
  ];
  const size = Math.ceil(data.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1024);
  const control = `Package: watchpost-agent
Version: ${parts.version}
Architecture: ${architecture}
Maintainer: Watchpost <watchpost@localhost>
Section: net
Priority: optional
Installed-Size: ${size}
${parts.runtime ? '' : 'Depends: nodejs (>= 20)\n'}Description: edge agent of Watchpost
 Dials out to a Watchpost server and makes the cameras of this network
 reachable from there.
`;
  const scripts = [
    textFile('control', control),
    textFile('conffiles', '/etc/watchpost-agent/agent.json\n'),
    templateFile('postinst', 'deb-postinst', 0o755),
    templateFile('prerm', 'deb-prerm', 0o755),
    templateFile('postrm', 'deb-postrm', 0o755),
  ];
  const signed = withManifest(parts, { data, scripts, name: 'deb' });
  const bytes = writeAr([
    { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
    { name: 'control.tar.gz', bytes: gzip(writeTar(scripts, './')) },
    { name: 'data.tar.gz', bytes: gzip(writeTar(signed, './')) },
  ]);
  return { fileName: `${parts.profile.id}_${parts.version}_${architecture}.deb`, bytes };
}

/** An opkg package, as OpenWrt takes it up to 24.10: a gzip'd tar with the members of a Debian package. */
export function buildOpkg(parts: PackageParts): BuiltPackage {
  const data = [
    ...programFiles(parts, libFolder),
    templateFile('etc/init.d/watchpost-agent', 'watchpost-agent.procd', 0o755),
    { path: 'etc/watchpost-agent/agent.json', mode: 0o600, bytes: parts.config },
  ];
  const scripts = [
    textFile(
      'control',
      `Package: watchpost-agent
Version: ${parts.version}
${parts.runtime ? '' : 'Depends: node\n'}Section: net
Architecture: all
Maintainer: Watchpost
Description: Edge agent of Watchpost: dials out and makes cameras reachable for the server.
`,
    ),
    textFile('conffiles', '/etc/watchpost-agent/agent.json\n'),
    templateFile('postinst', 'ipk-postinst', 0o755),
    templateFile('prerm', 'ipk-prerm', 0o755),
  ];
  const signed = withManifest(parts, { data, scripts, name: 'ipk' });
  const bytes = gzip(
    writeTar(
      [
        textFile('debian-binary', '2.0\n'),
        { path: 'control.tar.gz', mode: 0o644, bytes: gzip(writeTar(scripts, './')) },
        { path: 'data.tar.gz', mode: 0o644, bytes: gzip(writeTar(signed, './')) },
      ],
      './',
    ),
  );
  return { fileName: `${parts.profile.id}_${parts.version}_all.ipk`, bytes };
}

/** Files to lay over the root of OpenIPC: unpacked on the camera, or as `general/overlay` of a build of one's own. */
export function buildOpenIpc(parts: PackageParts): BuiltPackage {
  const files = [
    ...programFiles(parts, libFolder),
    templateFile('etc/init.d/S96watchpost-agent', 'watchpost-agent.busybox', 0o755),
    { path: 'etc/watchpost-agent/agent.json', mode: 0o600, bytes: parts.config },
  ];
  const manifest = manifestOf(files, { ...about(parts), package: 'openipc' });
  const bytes = gzip(writeTar([...files, ...signedManifest(manifest, parts.key, libFolder)]));
  return { fileName: `${parts.profile.id}_${parts.version}_overlay.tar.gz`, bytes };
}

/** A folder for `docker build` or `docker compose`, as `tar.gz`; the configuration stays outside the image. */
export function buildContainer(parts: PackageParts): BuiltPackage {
  const { runtime: _, ...withoutRuntime } = parts;
  const files = [
    ...programFiles(withoutRuntime, libFolder),
    { path: 'Dockerfile', mode: 0o644, bytes: template('Dockerfile') },
    templateFile('compose.yaml', 'compose.yaml'),
    textFile('.dockerignore', 'agent.json\n'),
    { path: 'agent.json', mode: 0o600, bytes: parts.config },
  ];
  const manifest = manifestOf(files, { ...about(parts), package: 'container' });
  const bytes = gzip(writeTar([...files, ...signedManifest(manifest, parts.key, libFolder)]));
  return { fileName: `${parts.profile.id}_${parts.version}_container.tar.gz`, bytes };
}

/** The manifest of a package with scripts covers these, too, as `DEBIAN/NAME`. */
function withManifest(
  parts: PackageParts,
  { data, scripts, name }: { data: ArchiveFile[]; scripts: readonly ArchiveFile[]; name: string },
): ArchiveFile[] {
  const manifest = manifestOf([...data, ...prefixed('DEBIAN/', scripts)], { ...about(parts), package: name });
  return [...data, ...signedManifest(manifest, parts.key, libFolder)];
}

function about({ version, profile, architecture }: PackageParts) {
  return { version, profile: profile.id, architecture };
}

function sums(files: readonly ArchiveFile[]): string {
  return [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, bytes }) => `${sha256(bytes)}  ${path}\n`)
    .join('');
}
