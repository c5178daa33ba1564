import { WatchpostError } from '@watchpost/base/errors.ts';
import {
  type ApiStream,
  type StreamDefinitions,
  type StreamOverride,
  subStreamId,
  toDefinitions,
} from '../catalog/definitions/stream-definitions.ts';
import type { Stream } from '../hub/stream.ts';
import type { StreamHub } from '../hub/stream-hub.ts';
import type { StreamDefinition } from '../hub/types.ts';
import type { ApiDependencies, RecorderControl } from './dependencies.ts';
import { refuseTakenPath } from './publish-paths.ts';

/** Keeps hub, recorder and database of the same opinion about streams. */
export class StreamKeeper {
  readonly #hub: StreamHub;
  readonly #definitions: StreamDefinitions;
  readonly #recorder: RecorderControl;
  readonly #protocols: ApiDependencies['ingestProtocols'];

  constructor(parts: Pick<ApiDependencies, 'hub' | 'definitions' | 'recorder' | 'ingestProtocols'>) {
    this.#hub = parts.hub;
    this.#definitions = parts.definitions;
    this.#recorder = parts.recorder;
    this.#protocols = parts.ingestProtocols;
  }

  /** True where there is such a stream. */
  has(id: string): boolean {
    return this.#hub.get(id) !== undefined;
  }

  /** A stream, whatever made it. Throws `not_found` (`STREAM_NOT_FOUND`). */
  get(id: string): Stream {
    const stream = this.#hub.get(id);
    if (stream) return stream;
    throw new WatchpostError(`there is no stream "${id}"`, { kind: 'not_found', code: 'STREAM_NOT_FOUND' });
  }

  /** A stream that may be changed here. Throws `conflict` (`defined_in_file`, `SECOND_QUALITY`, `MADE_BY_PUBLISHER`) where it may not. */
  async changeable(id: string): Promise<ApiStream> {
    const stream = this.get(id);
    if (stream.definition.origin === 'file')
      throw new WatchpostError(`"${id}" is defined in the configuration file — change it there`, {
        kind: 'conflict',
        code: 'defined_in_file',
      });
    const known = await this.#definitions.get(id);
    if (known) return known;
    if (stream.definition.origin === 'publisher') {
      const [who, cure] = hasSource(stream.definition)
        ? ['watches', 'make one of the same address under another id']
        : ['publishes', 'keep it first: make one of the same id and protocol, without an address'];
      throw new WatchpostError(`"${id}" was made by whoever ${who} it, and goes with them — ${cure}`, {
        kind: 'conflict',
        code: 'MADE_BY_PUBLISHER',
      });
    }
    throw new WatchpostError(`"${id}" is the second quality of another stream — change "sub_url" of that one`, {
      kind: 'conflict',
      code: 'SECOND_QUALITY',
    });
  }

  /**
   * Adds a stream, or keeps the one that a publisher made. Throws `conflict` (`STREAM_EXISTS`, `PUBLISH_PATH_TAKEN`) where
   * one of its ids is taken, or where it is published.
   */
  async add(stream: ApiStream): Promise<Stream> {
    for (const definition of toDefinitions(stream)) {
      const { id } = definition;
      const known = this.#hub.get(id)?.definition;
      if (known && !keeps(definition, known))
        throw new WatchpostError(`there is a stream "${id}" already — choose another id`, {
          kind: 'conflict',
          code: 'STREAM_EXISTS',
        });
    }
    refuseTakenPath(stream, { hub: this.#hub, ingestProtocols: this.#protocols });
    await this.#definitions.add(stream);
    return this.#defineAll(stream);
  }

  /**
   * Replaces a stream made by API; `auto`: what was switched by hand counts no more. Throws `conflict`
   * (`PUBLISH_PATH_TAKEN`) where another one is published there.
   */
  async replace(stream: ApiStream, auto: boolean): Promise<Stream> {
    refuseTakenPath(stream, { hub: this.#hub, ingestProtocols: this.#protocols });
    await this.#definitions.replace(stream);
    if (auto) await this.#definitions.override(stream.id, { manual: null });
    const subId = subStreamId(stream.id);
    if (!stream.subSource && this.#hub.get(subId)) await this.#hub.remove(subId);
    const changed = await this.#defineAll(stream);
    if (auto) await this.#switchRecording(stream.id, null);
    return changed;
  }

  /** Removes a stream made by API and its second quality. */
  async remove(id: string): Promise<void> {
    await this.#definitions.remove(id);
    await this.#hub.remove(subStreamId(id));
    await this.#hub.remove(id);
  }

  /** Changes what may be changed of every stream, that of the configuration file included. */
  async override(id: string, change: StreamOverride): Promise<Stream> {
    const stream = this.get(id);
    await this.#definitions.override(id, change);
    const { manual: before, ...definition } = stream.definition;
    const { manual = before, ...changed } = change;
    await this.#hub.define({ ...definition, ...changed, ...(typeof manual === 'boolean' && { manual }) });
    if (change.manual !== undefined) await this.#switchRecording(id, change.manual);
    return this.get(id);
  }

  async #switchRecording(id: string, record: boolean | null): Promise<void> {
    if (record === null) this.#recorder.auto(id);
    else if (record) await this.#recorder.start(id);
    else await this.#recorder.stop(id);
  }

  async #defineAll(stream: ApiStream): Promise<Stream> {
    for (const definition of await this.#definitions.apply(toDefinitions(stream))) await this.#hub.define(definition);
    return this.get(stream.id);
  }
}

/** True where a stream that a publisher made may go on as the one asked for: it is not even interrupted. */
function keeps(asked: StreamDefinition, known: StreamDefinition): boolean {
  const isMade = known.origin === 'publisher' && !hasSource(known);
  return isMade && !hasSource(asked) && asked.protocol === known.protocol;
}

function hasSource({ sources }: StreamDefinition): boolean {
  return sources.length > 0;
}
