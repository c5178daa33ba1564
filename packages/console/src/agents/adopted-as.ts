import type { Stream } from '../api/types.ts';
import type { FoundCamera } from './agent-queries.ts';

/** The stream that comes from a camera through its agent, where there is one. */
export function adoptedAs<S extends Pick<Stream, 'source_url' | 'main_stream_id'>>(
  agentId: string,
  camera: Pick<FoundCamera, 'id' | 'streams'>,
  streams: readonly S[],
): S | undefined {
  // By the agent's name alone where all of its cameras are one device, else by the camera's and the agent's.
  const names = [agentId, `${camera.id}.${agentId}`];
  const urls = names.flatMap((name) => camera.streams.map(({ port, path }) => `rtsp+tunnel://${name}:${port}${path}`));
  return streams.find(({ source_url, main_stream_id }) => main_stream_id === null && urls.includes(source_url ?? ''));
}
