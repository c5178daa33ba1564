import { createHash } from 'node:crypto';
import type { Clock } from '@watchpost/base/clock.ts';
import { WatchpostError } from '@watchpost/base/errors.ts';
import { parseSourceUrl, type SourceUrl } from '@watchpost/base/source-url.ts';
import type { Stream } from '../hub/stream.ts';
import type { StreamHub } from '../hub/stream-hub.ts';
import type { LocatedStreams } from '../hub/types.ts';
import type { AgentRegistry } from './agent-registry.ts';
import { tunnelAddress } from './tunnel-dial.ts';

const scheme = 'rtsp+tunnel';
const rtspPort = 554;
/** At once; each keeps a connection to its camera while it is watched. */
const maxStreams = 256;
const lookEveryMs = 10_000;

/** What the streams of cameras are made with. */
export interface CameraStreamsOptions {
  readonly registry: AgentRegistry;
  readonly hub: StreamHub;
  readonly clock: Clock;
}

interface Address {
  /** `AGENT` or `CAMERA.AGENT`. */
  readonly host: string;
  /** Of the camera: path and query. */
  readonly path: string;
}

/**
 * Cameras behind agents by their own paths, `/agent/AGENT/PATH?QUERY`: one that is a stream already is that stream, any
 * other becomes one on demand, which goes once nobody has watched it for a while. Who may see one that is no stream may see
 * all streams. The camera's login is that of another stream of the same host.
 */
export class CameraStreams implements LocatedStreams, Disposable {
  readonly #options: CameraStreamsOptions;
  /** Ours, and whether nobody watched at the last look. */
  readonly #made = new Map<string, { isIdle: boolean }>();
  #cancel: () => void;

  constructor(options: CameraStreamsOptions) {
    this.#options = options;
    this.#cancel = options.clock.after(lookEveryMs, () => this.#look());
  }

  idOf(path: string, query: string): string | undefined {
    const address = addressOf(path, query);
    if (address === undefined) return undefined;
    return this.#known(address)?.id ?? newId(address);
  }

  async open(path: string, query: string): Promise<Stream> {
    const { hub } = this.#options;
    const address = addressOf(path, query);
    if (address === undefined) throw notThere(path);
    const known = this.#known(address) ?? hub.get(newId(address));
    if (known !== undefined) return known;
    const source = this.#sourceOf(address);
    if (this.#made.size >= maxStreams)
      throw new WatchpostError('too many cameras are watched by their own paths - make streams of them', {
        kind: 'resource_exhausted',
        code: 'AGENT_STREAMS_FULL',
      });
    const id = newId(address);
    this.#made.set(id, { isIdle: false });
    return hub.define({
      ...{ id, title: `${address.host}${address.path}`, protocol: 'rtsp', sources: [source] },
      ...{ record: false, onDemand: true, stopped: false, origin: 'publisher' },
    });
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  /** A stream that pulls this very address; `.sub` streams are streams, too. */
  #known({ host, path }: Address): Stream | undefined {
    const isIt = (source: SourceUrl) => source.scheme === scheme && source.host === host && source.path === path;
    return this.#options.hub.list().find(({ id, definition }) => !this.#made.has(id) && definition.sources.some(isIt));
  }

  #sourceOf({ host, path }: Address): SourceUrl {
    const { registry, hub } = this.#options;
    const { agentId, host: cameraHost } = tunnelAddress(registry, host, rtspPort);
    const ports = registry.ports.of(agentId).filter(({ service }) => service === 'rtsp');
    const target = (host === agentId ? ports : ports.filter((port) => port.host === cameraHost))[0];
    if (target === undefined) throw notThere(`/agent/${host}`);
    const isSame = (other: SourceUrl) => {
      if (other.scheme !== scheme || other.username === undefined) return false;
      if (other.host !== agentId && !other.host.endsWith(`.${agentId}`)) return false;
      // "CAMERA.b" may be a camera of the agent "a.b", whose network is another one.
      const at = tunnelAddress(registry, other.host, other.port ?? rtspPort);
      return at.agentId === agentId && at.host === target.host;
    };
    const login = hub
      .list()
      .flatMap(({ definition }) => definition.sources)
      .find(isSame);
    const { username, password } = login ?? {};
    return parseSourceUrl(`${scheme}://${host}:${target.port}${path}`, {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
    });
  }

  #look(): void {
    const { hub, clock } = this.#options;
    this.#cancel = clock.after(lookEveryMs, () => this.#look());
    for (const [id, state] of this.#made) {
      const stream = hub.get(id);
      if (stream?.definition.origin !== 'publisher') {
        // Removed, or a camera of the configuration by now.
        this.#made.delete(id);
        continue;
      }
      const isIdle = !stream.isRead;
      if (isIdle && state.isIdle) {
        this.#made.delete(id);
        void hub.remove(id);
      }
      state.isIdle = isIdle;
    }
  }
}

/** `path` is percent-decoded; `token` in the query is Watchpost's, all else the camera's. */
function addressOf(path: string, query: string): Address | undefined {
  const [, host, rest] = /^\/agent\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  if (host === undefined) return undefined;
  const fields = query.split('&').filter((field) => field !== '' && !field.startsWith('token='));
  const own = encodeURI(rest ?? '/').replaceAll(/[?#]/g, encodeURIComponent);
  return { host, path: fields.length > 0 ? `${own}?${fields.join('&')}` : own };
}

function newId({ host, path }: Address): string {
  const name = host.toLowerCase().replaceAll(/[^a-z0-9_-]+/g, '-');
  return `agent-${name.slice(0, 40)}-${createHash('sha256').update(`${host} ${path}`).digest('hex').slice(0, 12)}`;
}

function notThere(path: string): WatchpostError {
  return new WatchpostError(`there is no camera at "${path}" - write /agent/AGENT/PATH, or /agent/CAMERA.AGENT/PATH`, {
    kind: 'not_found',
    code: 'STREAM_NOT_FOUND',
  });
}
