import type { CameraConfig } from './config/types.ts';
import type { StreamDefinition } from './hub/types.ts';

/** The streams that the cameras of the configuration file are: each one, and its second quality. */
export function cameraDefinitions(cameras: readonly CameraConfig[]): StreamDefinition[] {
  return cameras.flatMap((camera) => {
    const main: StreamDefinition = {
      id: camera.id,
      title: camera.title,
      protocol: protocolOf(camera.sources[0]?.scheme ?? ''),
      sources: camera.sources,
      ...(camera.push.length > 0 && { push: camera.push }),
      record: camera.record,
      ...(camera.recording !== undefined && { recording: camera.recording }),
      onDemand: camera.onDemand,
      stopped: false,
      origin: 'file',
    };
    if (camera.subSource === undefined) return [main];
    // The second quality is for watching: it is pulled only while somebody does, and neither recorded nor sent on.
    const { recording: _recording, push: _push, ...rest } = main;
    return [main, { ...rest, id: `${camera.id}.sub`, sources: [camera.subSource], record: false, onDemand: true }];
  });
}

function protocolOf(scheme: string): string {
  return scheme.replace(/s?(\+.*)?$/, '') || 'rtsp';
}
