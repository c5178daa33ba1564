import { gzip } from '../archive/gzip.ts';
import { writeTar } from '../archive/tar.ts';
import { manifestOf, signedManifest } from '../manifest.ts';
import { type BuiltPackage, type PackageParts, programFiles, templateFile, textFile } from '../package-parts.ts';

const appName = 'watchpost_agent';
const architectures: Readonly<Record<string, string>> = { arm64: 'aarch64', armv7: 'armv7hf' };

/**
 * An ACAP package of Axis: a gzip'd tar with `manifest.json` (schema 1.7.3), the older `package.conf` and `param.conf`,
 * `LICENSE`, and a program named as the application. The signature of Axis is not in it: only Axis can make that. As
 * `manifest.json` is theirs, ours is in the folder `watchpost`.
 */
export function buildEap(parts: PackageParts): BuiltPackage {
  const architecture = architectures[parts.architecture] ?? 'all';
  const [major = '0', minor = '0', micro = '0'] = parts.version.split(/[.-]/);
  const others = ['agent.js', 'run', 'supervise', 'agent.json', 'watchpost', ...(parts.runtime ? ['runtime'] : [])];
  const files = [
    ...programFiles(parts, ''),
    templateFile(appName, 'eap-start', 0o755),
    // The user of the application must read it; the camera keeps other users out of the folder.
    { path: 'agent.json', mode: 0o640, bytes: parts.config },
    textFile('manifest.json', `${JSON.stringify(acapManifest(parts, architecture), null, 2)}\n`),
    textFile('param.conf', ''),
    textFile('package.conf', packageConf({ architecture, major, minor, micro, others: others.join(' ') })),
  ];
  const manifest = manifestOf(files, {
    version: parts.version,
    profile: parts.profile.id,
    architecture: parts.architecture,
    package: 'eap',
  });
  const bytes = gzip(writeTar([...files, ...signedManifest(manifest, parts.key, 'watchpost/')]));
  return { fileName: `${appName}_${major}_${minor}_${micro}_${architecture}.eap`, bytes };
}

function acapManifest({ version }: PackageParts, architecture: string): object {
  return {
    schemaVersion: '1.7.3',
    acapPackageConf: {
      setup: {
        appName,
        friendlyName: 'Watchpost agent',
        vendor: 'Watchpost',
        embeddedSdkVersion: '3.0',
        runMode: 'respawn',
        version,
        architecture,
      },
    },
  };
}

function packageConf(values: {
  architecture: string;
  major: string;
  minor: string;
  micro: string;
  others: string;
}): string {
  const lines: readonly (readonly [string, string])[] = [
    ['PACKAGENAME', 'Watchpost agent'],
    ['APPTYPE', values.architecture],
    ['APPNAME', appName],
    ['APPID', ''],
    ['LICENSENAME', 'Available'],
    ['LICENSEPAGE', 'none'],
    ['VENDOR', 'Watchpost'],
    ['REQEMBDEVVERSION', '3.0'],
    ['APPMAJORVERSION', values.major],
    ['APPMINORVERSION', values.minor],
    ['APPMICROVERSION', values.micro],
    ['APPGRP', 'sdk'],
    ['APPUSR', 'sdk'],
    ['APPOPTS', ''],
    ['OTHERFILES', values.others],
    ['SETTINGSPAGEFILE', ''],
    ['SETTINGSPAGETEXT', ''],
    ['VENDORHOMEPAGELINK', ''],
    ['PREUPGRADESCRIPT', ''],
    ['POSTINSTALLSCRIPT', ''],
    ['STARTMODE', 'respawn'],
    ['HTTPCGIPATHS', ''],
  ];
  return lines.map(([name, value]) => `${name}="${value}"\n`).join('');
}
