import { toWatchpostError, type WatchpostError } from '@watchpost/base/errors.ts';
import { type DiscoveredDevice, parseProbeMatch, writeProbe } from '@watchpost/media/onvif/ws-discovery.ts';
import { vendorPaths } from '@watchpost/media/rtsp/vendor-paths.ts';
import type { AgentConfig, CameraConfig } from '../config/agent-config.ts';
import { type DeviceInformation, OnvifCamera } from '../onvif/onvif-camera.ts';
import type { Platform } from '../platform/platform.ts';
import { describeCamera, type RtspAddress } from './describe-camera.ts';
import type { FoundCamera, FoundStream } from './found-camera.ts';

const multicastWaitMs = 3000;
const knockTimeoutMs = 1500;
const maxCameras = 64;
const maxHosts = 300;
const maxMessageBytes = 32 * 1024;
/** Hosts that are asked at once. */
const maxAtOnce = 4;
const webPorts = [80, 8000];

/** What a search needs. */
export interface DiscoverDependencies {
  readonly platform: Platform;
  readonly config: Pick<AgentConfig, 'cameras' | 'discovery'>;
  readonly signal: AbortSignal;
}

interface Candidate {
  readonly host: string;
  readonly device?: DiscoveredDevice;
  readonly camera?: CameraConfig;
}

/**
 * Looks for cameras: those of the configuration, those that answer WS-Discovery, this machine itself, and the hosts of the
 * configuration. Each is asked for its streams by RTSP. Never throws: a camera that refuses is reported with the reason.
 */
export async function discoverCameras(deps: DiscoverDependencies): Promise<readonly FoundCamera[]> {
  const { cameras, discovery } = deps.config;
  const candidates = new Map<string, Candidate>();
  for (const camera of cameras) candidates.set(`${camera.host} ${camera.rtspPort}`, { host: camera.host, camera });
  if (discovery.enabled) {
    const configured = new Set(cameras.map(({ host }) => host));
    const devices = await askDevices(deps);
    const hosts = [...devices.keys(), '127.0.0.1', ...discovery.hosts.map((host) => host.toLowerCase())];
    for (const host of new Set(hosts)) {
      const device = devices.get(host);
      if (!configured.has(host) && candidates.size < maxHosts)
        candidates.set(host, device === undefined ? { host } : { host, device });
    }
  }
  const found: FoundCamera[] = [];
  const waiting = [...candidates.values()];
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      if (deps.signal.aborted || found.length >= maxCameras) return;
      found.push(...(await askCandidate(next, deps)));
    }
  };
  await Promise.all(Array.from({ length: maxAtOnce }, work));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, maxCameras);
}

async function askDevices({ platform, config, signal }: DiscoverDependencies): Promise<Map<string, DiscoveredDevice>> {
  const devices = new Map<string, DiscoveredDevice>();
  const messages = ['dn:NetworkVideoTransmitter', 'tds:Device'].map((type) =>
    new TextEncoder().encode(writeProbe(type, crypto.randomUUID())),
  );
  const question = {
    messages,
    group: '239.255.255.250',
    port: 3702,
    hosts: config.discovery.hosts,
    waitMs: multicastWaitMs,
    signal,
  };
  await platform.askByMulticast(question, (answer, from) => {
    if (answer.length > maxMessageBytes || devices.size >= maxHosts) return;
    const device = parseProbeMatch(new TextDecoder().decode(answer), from);
    if (device) devices.set(device.host, { ...devices.get(device.host), ...device });
  });
  return devices;
}

async function askCandidate(candidate: Candidate, deps: DiscoverDependencies): Promise<FoundCamera[]> {
  const { host, camera, device } = candidate;
  const { discovery } = deps.config;
  const ports = camera ? [camera.rtspPort] : discovery.ports;
  const open = (await knock(host, ports, deps)).slice(0, camera ? 1 : ports.length);
  if (open.length === 0 && !camera && !device) return [];
  const web = camera ? [...camera.ports] : await knock(host, webPorts, deps);
  const credentials = camera ?? discovery;
  const asked = await Promise.all(
    (open.length > 0 ? open : camera ? ports : ports.slice(0, 1)).map(async (port) => {
      const login = { username: credentials.username, password: credentials.password };
      const result = open.includes(port)
        ? await askStreams({ host, port, ...login }, { candidate, deps })
        : unreachable;
      return { port, ...result };
    }),
  );
  // A port that is open and speaks no RTSP is no camera, unless somebody said that it is one.
  const cameras = asked.filter(
    ({ streams, problem }) => camera || device || streams.length > 0 || problem?.startsWith('RTSP_CRED'),
  );
  const said = cameras.length > 0 ? await askInformation(candidate, deps) : {};
  return cameras.map(({ port, streams, vendor, problem }) => {
    const model = said.model ?? device?.model ?? device?.name;
    const maker = said.vendor ?? vendor;
    return {
      name: camera?.name ?? nameOf(host, port),
      host,
      rtspPort: port,
      ...(maker !== undefined && { vendor: maker }),
      ...(model !== undefined && { model }),
      ...(said.firmware !== undefined && { firmware: said.firmware }),
      ...(device?.xaddr !== undefined && { onvifUrl: device.xaddr }),
      streams,
      ports: web,
      configured: camera !== undefined,
      ...(problem !== undefined && { problem }),
    };
  });
}

/** What a camera says by ONVIF that it is; nothing where it speaks none, or not to us. */
async function askInformation(
  { host, camera, device }: Candidate,
  deps: DiscoverDependencies,
): Promise<DeviceInformation> {
  const reported = device?.xaddr === undefined ? undefined : Number(new URL(device.xaddr).port || 80);
  const port = camera?.onvifPort ?? reported;
  if (port === undefined) return {};
  const { username, password } = camera ?? deps.config.discovery;
  try {
    return await new OnvifCamera(deps.platform, { host, port, username, password }).information();
  } catch {
    return {};
  }
}

interface StreamsResult {
  readonly streams: readonly FoundStream[];
  readonly vendor?: string;
  readonly problem?: string;
}

const unreachable: StreamsResult = { streams: [], problem: 'AGENT_UNREACHABLE' };

/** The paths of the configuration, else those of each vendor until one answers. */
async function askStreams(
  login: Omit<RtspAddress, 'path'>,
  { candidate, deps }: { candidate: Candidate; deps: DiscoverDependencies },
): Promise<StreamsResult> {
  const { camera } = candidate;
  const ask = async (quality: 'main' | 'sub', path: string): Promise<FoundStream | WatchpostError> => {
    try {
      return { quality, path, ...(await describeCamera(deps.platform, { ...login, path }, deps.signal)) };
    } catch (thrown) {
      return toWatchpostError(thrown);
    }
  };
  const tried = new Set<string>();
  const sets = camera?.rtspPath
    ? [{ id: undefined, main: [camera.rtspPath], sub: camera.rtspSubPath ? [camera.rtspSubPath] : [] }]
    : vendorPaths;
  let problem: string | undefined;
  for (const { id, main, sub } of sets) {
    for (const [i, path] of main.entries()) {
      if (deps.signal.aborted || tried.has(path)) continue;
      tried.add(path);
      const result = await ask('main', path);
      if ('quality' in result) {
        const second = sub[i] === undefined ? undefined : await ask('sub', sub[i]);
        const streams = second && 'quality' in second ? [result, second] : [result];
        return { streams, ...(id !== undefined && { vendor: id }) };
      }
      problem ??= result.code;
      // The next path would fail the same way, or cost another of the camera's few attempts to log in.
      if (['unauthenticated', 'forbidden', 'unavailable', 'timeout'].includes(result.kind))
        return { streams: [], problem: result.code };
    }
  }
  return { streams: [], ...(problem !== undefined && { problem }) };
}

/** The ports that take a connection. */
async function knock(
  host: string,
  ports: readonly number[],
  { platform, signal }: DiscoverDependencies,
): Promise<number[]> {
  const answers = await Promise.all(
    ports.map(async (port) => {
      try {
        const handler = { onData: () => {}, onClose: () => {} };
        (await platform.dial({ host, port, timeoutMs: knockTimeoutMs, signal }, handler)).destroy();
        return true;
      } catch {
        return false;
      }
    }),
  );
  return ports.filter((_, i) => answers[i]);
}

function nameOf(host: string, port: number): string {
  const plain = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `cam-${plain}${port === 554 ? '' : `-${port}`}`.slice(0, 63);
}
