import { parseSourceUrl } from '@watchpost/base/source-url.ts';
import type { CameraReport, CameraStreamReport } from '@watchpost/tunnel/messages/agent-message.ts';
import type { ApiStream } from '../catalog/definitions/stream-definitions.ts';
import type { ApiDependencies } from './dependencies.ts';
import type { StreamKeeper } from './stream-keeper.ts';

/** Scheme of streams that are pulled through an agent. */
export const tunnelScheme = 'rtsp+tunnel';

/** How cameras become streams. */
export interface Adoption {
  readonly agentId: string;
  readonly cameras: readonly CameraReport[];
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly record: boolean;
}

/** Makes a stream of each camera that has none yet; ids of the new ones come back. */
export async function adoptCameras(keeper: StreamKeeper, adoption: Adoption): Promise<readonly string[]> {
  const adopted: string[] = [];
  for (const camera of adoption.cameras) {
    const stream = toStream(camera, adoption);
    if (!stream || keeper.has(stream.id)) continue;
    await keeper.add(stream);
    adopted.push(stream.id);
  }
  return adopted;
}

/** Makes streams of all cameras that agents report, while the configuration wants it. */
export function adoptReported({ agents, logger }: ApiDependencies, keeper: StreamKeeper): void {
  agents.listen({
    cameras: (agentId, cameras) => {
      if (!agents.settings.auto_adopt) return;
      void adoptCameras(keeper, { agentId, cameras, record: true }).catch((error) =>
        logger.warn('A camera that an agent reported could not become a stream', { agent: agentId, error }),
      );
    },
  });
}

/** Address of a port behind an agent. */
export function tunnelUrl(agentId: string, port: number, path: string): string {
  return `${tunnelScheme}://${agentId}:${port}${path.startsWith('/') ? '' : '/'}${path}`;
}

function toStream(camera: CameraReport, adoption: Adoption): ApiStream | undefined {
  const { agentId, cameras, username, password, record } = adoption;
  const [main, sub] = camera.streams;
  if (!main) return undefined;
  const isOnly = cameras.every(({ host }) => host === camera.host);
  const name = isOnly ? agentId : `${camera.id}.${agentId}`;
  const credentials = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
  const source = ({ port, path }: CameraStreamReport) => parseSourceUrl(tunnelUrl(name, port, path), credentials);
  return {
    id: streamIdOf(`${agentId}-${camera.id}`),
    title: [camera.vendor, camera.model].filter(Boolean).join(' ') || `${agentId} ${camera.id}`,
    protocol: 'rtsp',
    sources: [source(main)],
    subSource: sub && source(sub),
    push: [],
    record,
    recording: undefined,
    onDemand: false,
  };
}

function streamIdOf(text: string): string {
  const id = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|-+$/g, '');
  return id.slice(0, 64) || 'camera';
}
