import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import { parseRtmpAddress } from '@watchpost/media/rtmp/address.ts';
import type { AgentConfig, CameraConfig, PublishConfig, Target } from './agent-config.ts';
import { type ConfigProblem, ConfigProblems, ConfigReader, configError } from './reader.ts';

const megabyte = 1_000_000;
const port = [1, 65535] as const;
const names = {
  pattern: /^[a-z0-9][a-z0-9_-]{0,63}$/,
  cure: 'may have small letters, digits, "-" and "_", and begins with a letter or digit',
};
const agentIds = {
  pattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  cure: 'may have letters, digits, ".", "-" and "_", and begins with a letter or digit',
};
const hosts = { pattern: /^[A-Za-z0-9._:-]{1,253}$/, cure: 'must be a host name or an IP address, without port' };
const keys = { pattern: /^[A-Za-z0-9+/]{43}=$/, cure: 'must be 32 bytes in base64 (44 characters)' };
/** A line break would be one in the request. */
const paths = { pattern: /^\/\P{Cc}*$/u, cure: 'must begin with "/", and have no control characters' };

/** Where things are that the configuration does not say itself. */
export interface ConfigContext {
  /** Shown in messages: `agent.json`. */
  readonly file: string;
  readonly stateDir: string;
  /** Where keys are said: `agent.json:3`, or the name of an environment variable. */
  readonly places?: ReadonlyMap<string, string>;
}

/** Checks a configuration. Throws `invalid_argument` (`AGENT_CONFIG_INVALID`) that lists all that is wrong. */
export function readAgentConfig(value: unknown, context: ConfigContext): AgentConfig {
  const problems = new ConfigProblems();
  const root = new ConfigReader(value, '', problems);
  const cameras = root.sections('cameras', 64).map(readCamera);
  const config: AgentConfig = {
    agent: readAgent(root.section('agent'), context),
    tunnel: readTunnel(root.section('tunnel')),
    cameras,
    discovery: readDiscovery(root.section('discovery'), cameras.length === 0),
    buffer: readBuffer(root.section('buffer')),
    publish: root.sections('publish', 64).map((section) => readPublish(section, cameras)),
  };
  root.end();
  const twice = cameras.find(({ name }, i) => cameras.findIndex((other) => other.name === name) !== i);
  if (twice) problems.list.push(`cameras: the name "${twice.name}" is used twice`);
  if (problems.list.length === 0) return config;
  throw configError(
    problems
      .told()
      .map((problem) => `${placeOf(problem, context)}: ${problem}`)
      .join('\n'),
  );
}

/** The place of the nearest key that has one. */
function placeOf(problem: ConfigProblem, { file, places }: ConfigContext): string {
  let path = problem.replace(/:? .*/s, '');
  while (path !== '' && !places?.has(path)) path = path.replace(/(^|\.|\[)[^.[]*$/, '');
  return places?.get(path) ?? file;
}

function readAgent(section: ConfigReader, context: ConfigContext): AgentConfig['agent'] {
  const serverUrls = section.texts('tunnel_server_url', 8).filter((url) => isServerUrl(url, section));
  if (serverUrls.length === 0)
    section.wrong('tunnel_server_url', 'is missing — the address of the server: "wss://HOST/tunnel"');
  const agent = {
    ...given('agentId', section.text('agent_id', agentIds)),
    serverUrls,
    ...given('token', section.text('tunnel_server_token')),
    ...given('serverKey', section.text('server_key', keys)),
    certificatePins: section.texts('certificate_pins', 16).filter((pin) => {
      if (keys.pattern.test(pin)) return true;
      section.wrong('certificate_pins', `: "${pin}" ${keys.cure}`);
      return false;
    }),
    ...given('caFile', section.text('ca_file')),
    ...given('proxy', section.text('proxy', { pattern: /^https?:\/\//, cure: 'must be like "http://HOST:PORT"' })),
    ...given('updateKey', section.text('update_key', keys)),
    stateDir: section.text('state_dir') ?? context.stateDir,
    allowCommands: section.flag('allow_commands', true),
  };
  section.end();
  return agent;
}

function isServerUrl(url: string, section: ConfigReader): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && /^wss?:$/.test(parsed.protocol) && parsed.username === '') return true;
  section.wrong(
    'tunnel_server_url',
    `: "${parsed?.username ? '…' : url}" must be like "wss://HOST/tunnel", without user and password`,
  );
  return false;
}

function readTunnel(section: ConfigReader): AgentConfig['tunnel'] {
  const tunnel = {
    tunnelPort: section.number('tunnel_port', port, 8554),
    remotePort: section.number('remote_port', port, 554),
    resendBufferBytes: section.number('resend_buffer_mb', [1, 1024], 16) * megabyte,
    targets: section.texts('targets', 256).flatMap((text) => {
      const target = parseTarget(text);
      if (!target)
        section.wrong('targets', `: "${text}" must be like "192.168.1.20:554", or "192.168.1.20:*" for all ports`);
      return target ?? [];
    }),
  };
  section.end();
  return tunnel;
}

/** `HOST:PORT`, `HOST:*` or `[IPV6]:PORT`; port 0 for all. */
export function parseTarget(text: string): Target | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5}|\*)$/.exec(text.trim());
  if (!match) return undefined;
  const number = match[3] === '*' ? 0 : Number(match[3]);
  return number > 65535 || (number === 0 && match[3] !== '*')
    ? undefined
    : { host: (match[1] ?? match[2])!.toLowerCase(), port: number };
}

function readCamera(section: ConfigReader, index: number): CameraConfig {
  const host = section.text('host', hosts);
  if (host === undefined) section.wrong('host', 'is missing — the address of the camera');
  const camera = {
    name: section.text('name', names) ?? `camera-${index + 1}`,
    host: (host ?? '').toLowerCase(),
    rtspPort: section.number('rtsp_port', port, 554),
    ...given('rtspPath', section.text('rtsp_path', paths)),
    ...given('rtspSubPath', section.text('rtsp_sub_path', paths)),
    ...given('username', section.text('username')),
    ...given('password', section.text('password')),
    ports: section.numbers('ports', 32, port) ?? [],
    ...given('onvifPort', section.number('onvif_port', port, undefined)),
  };
  section.end();
  return camera;
}

function readDiscovery(section: ConfigReader, fallback: boolean): AgentConfig['discovery'] {
  const discovery = {
    enabled: section.flag('enabled', fallback),
    hosts: section.texts('hosts', 256),
    ports: section.numbers('ports', 16, port) ?? [554, 8554],
    intervalMs: section.number('interval_seconds', [30, 86_400], 600) * 1000,
    register: section.flag('register', true),
    ...given('username', section.text('username')),
    ...given('password', section.text('password')),
  };
  section.end();
  for (const host of discovery.hosts)
    if (!hosts.pattern.test(host)) section.wrong('hosts', `: "${host}" ${hosts.cure}`);
  return discovery;
}

function readBuffer(section: ConfigReader): AgentConfig['buffer'] {
  const buffer = {
    enabled: section.flag('enabled', false),
    store: section.choice('store', ['memory', 'disk'], 'memory'),
    maxBytes: section.number('max_mb', [1, 1_000_000], 64) * megabyte,
  };
  section.end();
  return buffer;
}

function readPublish(section: ConfigReader, cameras: readonly CameraConfig[]): PublishConfig {
  const camera = section.text('camera');
  if (camera === undefined || !cameras.some(({ name }) => name === camera))
    section.wrong(
      'camera',
      `must be the name of a camera${cameras.length > 0 ? `: ${cameras.map(({ name }) => name).join(', ')}` : ', and there is none'}`,
    );
  const publish = {
    camera: camera ?? '',
    quality: section.choice('quality', ['main', 'sub'], 'main'),
    ...readPublishUrl(section),
  };
  section.end();
  return publish;
}

function readPublishUrl(section: ConfigReader): Pick<PublishConfig, 'url' | 'username' | 'password'> {
  const text = section.text('url', {
    pattern: /^rt[sm]ps?:\/\/\P{Cc}*$/u,
    cure: 'must begin with rtsp://, rtsps://, rtmp:// or rtmps://, and have no control characters',
  });
  const username = section.text('username');
  const password = section.text('password');
  if (text === undefined) {
    section.wrong('url', 'is missing — where to publish: "rtsp://HOST:8554/live/NAME" or "rtmp://HOST/live/NAME"');
    return { url: '' };
  }
  try {
    const source = parseSourceUrl(text, { ...given('username', username), ...given('password', password) });
    if (source.scheme.startsWith('rtmp')) parseRtmpAddress(source.url);
    return { url: source.url, ...given('username', source.username), ...given('password', source.password) };
  } catch (error) {
    section.wrong('url', `: ${(error as Error).message}`);
    return { url: '' };
  }
}

function given<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: T };
}
