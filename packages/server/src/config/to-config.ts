import { dirname, join, resolve } from 'node:path';
import { parseSourceUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import { toRules } from './recording-rules.ts';
import type { ParsedConfig } from './schema.ts';
import type { CameraConfig, Config, ConfigSections, StorageBackendConfig } from './types.ts';

/** The file's words as the program's: camel case, absolute paths (relative ones start at the file's folder), addresses split. */
export function toConfig(parsed: ParsedConfig, path: string, sections: ConfigSections): Config {
  const folder = dirname(path);
  const { http, recording, storage } = parsed;
  const dataDir = resolve(folder, parsed.data_dir);
  const inProtocols = parsed.protocols as Readonly<Record<string, unknown>>;
  const isAtRoot = ({ place }: ConfigSections[number]) => place === 'root';
  const backends = storage.backends
    .filter((backend) => backend !== undefined)
    .map(
      (backend): StorageBackendConfig => ({
        type: backend.type,
        name: backend.name,
        basePath: resolve(folder, backend.base_path),
        retentionDays: backend.retention_days ?? recording.retention_days,
        minFree: backend.min_free,
        ...(backend.max_bytes !== undefined && { maxBytes: backend.max_bytes }),
      }),
    );
  return {
    dataDir,
    ...(parsed.media_dir !== undefined && { mediaDir: resolve(folder, parsed.media_dir) }),
    http: {
      bind: http.bind,
      ...(http.tls && { tls: { certFile: resolve(folder, http.tls.cert), keyFile: resolve(folder, http.tls.key) } }),
    },
    auth: parsed.auth,
    protocols: {
      enabled: [...new Set(parsed.protocols.enabled)],
      sections: Object.fromEntries(
        sections
          .filter((section) => !isAtRoot(section))
          .map(({ name, paths = [] }) => [name, withPaths(inProtocols[name] as Section, paths, folder)]),
      ),
    },
    recording: {
      enabled: recording.enabled,
      segmentDurationSeconds: recording.segment_duration,
      retentionDays: recording.retention_days,
      reconnectDelaySeconds: recording.reconnect_delay,
      preRollSeconds: recording.pre_roll,
      postRollSeconds: recording.post_roll,
      maxEventSeconds: recording.max_event,
    },
    storage: {
      policy: storage.policy,
      backends: backends.length > 0 ? backends : [defaultBackend(dataDir, recording.retention_days)],
    },
    cameras: parsed.cameras.map((camera) => toCamera(camera, recording.enabled)),
    sections: Object.fromEntries(
      sections.filter(isAtRoot).map(({ name }) => [name, (parsed as Readonly<Record<string, unknown>>)[name]]),
    ),
  };
}

type Section = Readonly<Record<string, unknown>>;

function withPaths(section: Section, keys: readonly string[], folder: string): Section {
  const found = keys.filter((key) => typeof section[key] === 'string');
  return { ...section, ...Object.fromEntries(found.map((key) => [key, resolve(folder, section[key] as string)])) };
}

function defaultBackend(dataDir: string, retentionDays: number): StorageBackendConfig {
  return { type: 'local', name: 'local', basePath: join(dataDir, 'video'), retentionDays, minFree: { percent: 5 } };
}

function toCamera(camera: ParsedConfig['cameras'][number], recordingEnabled: boolean): CameraConfig {
  const credentials = {
    ...(camera.username !== undefined && { username: camera.username }),
    ...(camera.password !== undefined && { password: camera.password }),
  };
  const addresses = camera.urls ?? (camera.url === undefined ? [] : [camera.url]);
  const sources = addresses.map((address) => parseSourceUrl(address, credentials));
  const rules = toRules(camera);
  const asked = camera.record ?? (camera.schedule !== undefined || !camera.on_demand);
  return {
    id: camera.name,
    title: camera.title ?? camera.name,
    sources,
    push: (camera.push ?? []).map((address) => parseSourceUrl(address)),
    record: recordingEnabled && asked !== false,
    ...(rules !== undefined && { recording: rules }),
    onDemand: camera.on_demand,
    ...(camera.sub_url !== undefined && { subSource: subSource(camera.sub_url, sources[0], credentials) }),
  };
}

/** The second quality, with the login of the first one where it is of the same device and has none of its own. */
function subSource(
  address: string,
  main: SourceUrl | undefined,
  credentials: { username?: string; password?: string },
): SourceUrl {
  const source = parseSourceUrl(address, credentials);
  if (source.username !== undefined || main?.username === undefined || main.host !== source.host) return source;
  const { username, password } = main;
  return { ...source, username, ...(password !== undefined && { password }) };
}
