import type { StreamDefinitions } from '../catalog/definitions/stream-definitions.ts';
import type { Config } from '../config/types.ts';
import type { StreamHub } from '../hub/stream-hub.ts';
import type { StreamDefinition } from '../hub/types.ts';
import type { Recorder } from '../recorder/recorder.ts';
import type { StorageBackends } from '../storage/storage-backends.ts';

/** What a configuration is applied to. */
export interface ConfiguredParts {
  readonly hub: StreamHub;
  readonly recorder: Recorder;
  readonly definitions: StreamDefinitions;
  /** Streams that were made by API are left alone. */
  readonly isConfiguredOnly?: boolean;
  readonly backends: StorageBackends;
}

/**
 * Brings hub and recorder to a configuration. Streams whose definition is the same are not touched; of the others only
 * those whose source differs are connected anew, and their readers stay.
 */
export async function applyConfig(
  config: Config,
  cameras: readonly StreamDefinition[],
  { hub, recorder, definitions, backends, isConfiguredOnly = false }: ConfiguredParts,
): Promise<void> {
  hub.setReconnectDelay(config.recording.reconnectDelaySeconds * 1000);
  const left = await backends.configure(config.storage.backends);
  await recorder.configure(config.recording, backends.places);
  // Their files end at the next key picture: nobody waits for that.
  for (const backend of left) void recorder.leave(backend).then(() => backends.close(backend));
  const wanted = new Map((await definitions.apply(cameras)).map((definition) => [definition.id, definition]));
  const gone = hub.list().filter(({ id, definition }) => definition.origin === 'file' && !wanted.has(id));
  await Promise.all(gone.map(({ id }) => hub.remove(id)));
  await Promise.all(
    [...wanted.values()].filter((definition) => differs(hub, definition)).map((definition) => hub.define(definition)),
  );
  if (isConfiguredOnly) return;
  // A stream made by API comes forth again where a camera of the file had its name.
  for (const definition of await definitions.load()) if (!hub.get(definition.id)) await hub.define(definition);
}

function differs(hub: StreamHub, definition: StreamDefinition): boolean {
  const known = hub.get(definition.id)?.definition;
  if (known === undefined) return true;
  return sorted(known) !== sorted(definition);
}

function sorted(definition: StreamDefinition): string {
  return JSON.stringify(Object.entries(definition).sort(([a], [b]) => (a < b ? -1 : 1)));
}
