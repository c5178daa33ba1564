import type {
  AgentMessage,
  CameraReport,
  HealthReport as HealthMessage,
  TargetReport,
} from '@watchpost/tunnel/messages/agent-message.ts';
import type { AgentConfig, Target } from '../config/agent-config.ts';
import type { FoundCamera } from '../discovery/found-camera.ts';
import type { HostFacts } from '../platform/platform.ts';
import type { CameraHealth } from './camera-watch.ts';

const maxTargets = 64;
const maxCameras = 256;
const webPorts = new Set([80, 81, 443, 8000, 8080, 8081, 8443]);

/** What the reports are made of. */
export interface ReportSources {
  readonly config: Pick<AgentConfig, 'tunnel' | 'cameras'>;
  readonly cameras: readonly FoundCamera[];
  readonly targets: readonly Target[];
  /** It has looked for cameras, or need not. */
  readonly isComplete: boolean;
  readonly health: readonly CameraHealth[];
  /** Id of the edge buffer of a stream, where there is one. */
  bufferOf(camera: FoundCamera, path: string): string | undefined;
}

/** The targets with a wish for the first RTSP port: the one of the configuration. */
export function targetsMessage({ config, cameras, targets, isComplete }: ReportSources): AgentMessage {
  let wish: number | undefined = config.tunnel.tunnelPort;
  const reports = targets.slice(0, maxTargets).map(({ host, port }): TargetReport => {
    const camera = cameras.find(
      (found) => found.host === host && (found.rtspPort === port || found.ports.includes(port)),
    );
    const known = config.cameras.find(
      (one) => one.host === host && (one.rtspPort === port || one.ports.includes(port)),
    );
    const name = known?.name ?? camera?.name;
    const isRtsp = port === config.tunnel.remotePort || camera?.rtspPort === port || known?.rtspPort === port;
    const wished = isRtsp ? wish : undefined;
    if (isRtsp) wish = undefined;
    return {
      host,
      port,
      service: isRtsp ? 'rtsp' : webPorts.has(port) ? 'http' : 'tcp',
      ...(wished !== undefined && { tunnel_port: wished }),
      ...(name !== undefined && { camera: name }),
    };
  });
  return { type: 'targets', targets: reports, ...(!isComplete && { partial: true }) };
}

/** The cameras, with what was last seen of each. */
export function camerasMessage({ cameras, health, bufferOf }: ReportSources): AgentMessage {
  return {
    type: 'cameras',
    cameras: cameras.slice(0, maxCameras).map((camera) => toReport(camera, { health, bufferOf })),
  };
}

function toReport(camera: FoundCamera, { health, bufferOf }: Pick<ReportSources, 'health' | 'bufferOf'>): CameraReport {
  const seen = health.find(({ host, port }) => host === camera.host && port === camera.rtspPort);
  const problem = seen && !seen.reachable ? seen.error : camera.problem;
  return {
    id: camera.name,
    host: camera.host,
    reachable: seen ? seen.reachable : camera.problem !== 'AGENT_UNREACHABLE',
    ...(camera.vendor !== undefined && { vendor: camera.vendor.slice(0, 100) }),
    ...(camera.model !== undefined && { model: camera.model.slice(0, 100) }),
    ...(camera.firmware !== undefined && { firmware: camera.firmware.slice(0, 100) }),
    ...(seen && { bitrate: seen.bitrate }),
    ...(problem !== undefined && { problem: problem.slice(0, 300) }),
    streams: camera.streams.slice(0, 16).map(({ path, tracks }) => {
      const video = tracks.find(({ kind }) => kind === 'video');
      const buffer = bufferOf(camera, path);
      return {
        port: camera.rtspPort,
        path: path.slice(0, 500),
        codecs: tracks.slice(0, 8).map(({ codec }) => codec.slice(0, 20)),
        ...(video?.width !== undefined && { width: video.width }),
        ...(video?.height !== undefined && { height: video.height }),
        ...(buffer !== undefined && { buffer }),
      };
    }),
  };
}

/** What is known of the agent's connection. */
export interface LinkFacts {
  readonly uptimeS: number;
  readonly roundTripMs: number | undefined;
  readonly losses: number;
  readonly bufferedBytes: number;
}

/** How the agent is. */
export function healthMessage(host: HostFacts, link: LinkFacts): AgentMessage {
  const health: HealthMessage = {
    uptime_s: Math.round(link.uptimeS),
    ...(host.ownCpuLoad !== undefined && { cpu_percent: Math.round(host.ownCpuLoad * 1000) / 10 }),
    rss_bytes: host.ownMemoryBytes,
    ...(host.memoryFreeBytes !== undefined && { memory_free_bytes: host.memoryFreeBytes }),
    ...(host.temperatureC !== undefined && { temperature_c: host.temperatureC }),
    ...(link.roundTripMs !== undefined && { link_rtt_ms: Math.round(link.roundTripMs) }),
    reconnects: link.losses,
    buffered_bytes: link.bufferedBytes,
  };
  return { type: 'health', health };
}
