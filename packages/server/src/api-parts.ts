import { WatchpostError } from '@watchpost/base/errors.ts';
import type { ApiDependencies, IngestProtocol, PlayOutput, RecorderControl } from './api/dependencies.ts';
import { discoverDevices } from './devices/ws-discovery.ts';
import { isServed, type Reloadable, sourceContext } from './parts.ts';
import { readinessOf } from './readiness.ts';
import type { Recorder } from './recorder/recorder.ts';
import { version } from './version.ts';

/** What the API works on, as its own interfaces have it. */
export function apiDependencies(parts: Reloadable): ApiDependencies {
  const { clock, logger, hub, definitions, schedules, identity, events, audit, recorder, protocols, reloader } = parts;
  return {
    auth: () => parts.running.config.auth,
    version,
    clock,
    logger,
    hub,
    definitions,
    schedules,
    identity,
    events,
    audit,
    agents: parts.agents.registry,
    cameraPages: parts.agents.pages,
    recorder: recorderControl(recorder),
    recordings: recorder.query,
    locks: recorder.locks,
    media: parts.media,
    outputs: () => outputsOf(parts),
    ingestProtocols: () => ingestProtocolsOf(parts),
    targets: (stream) => parts.targets.of(stream),
    registrations: () => parts.registrations.status,
    webhooks: () => parts.webhooks.states,
    talk: parts.talk,
    describe: async (source, signal) => {
      const protocol = protocols.find((candidate) => candidate.schemes.includes(source.scheme));
      if (protocol?.describe) return protocol.describe(source, sourceContext(parts, protocol, { source, signal }));
      throw new WatchpostError(`No protocol of this build knows "${source.scheme}:" addresses — use rtsp://`, {
        kind: 'unsupported',
        code: 'SCHEME_UNSUPPORTED',
      });
    },
    discover: (signal) => discoverDevices({ clock, signal }),
    protocolStats: () => protocols.map((protocol) => ({ protocol: protocol.name, stats: protocol.stats() })),
    ...(reloader && { reloadConfig: () => reloader.reload('api') }),
    readiness: readinessOf({
      storageReport: () => recorder.storageReport(),
      isRecording: () => parts.running.config.recording.enabled,
    }),
  };
}

function outputsOf({ protocols, running }: Reloadable): readonly PlayOutput[] {
  return protocols.flatMap((protocol) =>
    protocol.play && isServed(running.config, protocol) ? [{ protocol: protocol.name, ...protocol.play }] : [],
  );
}

function ingestProtocolsOf({ protocols, running }: Reloadable): readonly IngestProtocol[] {
  return protocols
    .map((protocol) => ({
      name: protocol.name,
      schemes: protocol.pull ? protocol.schemes : [],
      takesPublishers: (protocol.takesPublishers ?? false) && isServed(running.config, protocol),
      ...(protocol.publishPaths && { publishPaths: protocol.publishPaths }),
      ...(protocol.publishAddresses && { publishAddresses: protocol.publishAddresses }),
      ...(protocol.checkSource && { checkSource: protocol.checkSource }),
    }))
    .filter(({ schemes, takesPublishers }) => schemes.length > 0 || takesPublishers);
}

function recorderControl(recorder: Recorder): RecorderControl {
  return {
    start: (id) => recorder.start(id),
    stop: (id) => recorder.stop(id),
    auto: (id) => recorder.auto(id),
    review: () => recorder.review(),
    isEventWanted: (id) => recorder.isEventWanted(id),
    state: (id) => recorder.state(id),
    leftOut: (id) => recorder.leftOut(id),
    stats: () => recorder.stats(),
    storageReport: async () => (await recorder.storageReport()).backends,
    removeRecordings: (id) => recorder.deleteRecordings(id),
  };
}
