import { createHash } from 'node:crypto';
import { type Clock, sleep } from '@watchpost/base/clock.ts';
import type { Logger } from '@watchpost/base/logger.ts';
import type { MadeRegistration, RegistrationStore } from '../../catalog/registration-store.ts';
import type { EventSink } from '../../catalog/types.ts';
import { flussonicTarget } from './flussonic.ts';
import { call, reasonOf } from './http-call.ts';
import { requestTarget } from './request.ts';
import type { RegistrationSettings } from './section.ts';
import { RefusedError, type RegistrationTarget, type RemoteStream, type Send } from './target.ts';
import { fillTemplate } from './template.ts';
import { watcherTarget } from './watcher.ts';

const defaultTimeoutMs = 10_000;
/** What was registered is looked after this often: somebody may have removed it there. */
const recheckMs = 600_000;
const maxDelayMs = 600_000;
/** Failures in a row before an operator is told. */
const tellAfter = 3;
const jitter = 0.2;

/** A stream, or the port of a camera behind an agent, that could be registered. */
export interface Registrable {
  readonly id: string;
  readonly title: string;
  readonly tunnel?: { readonly agentId: string; readonly port: number; readonly localPort: number };
}

/** What registrars share. */
export interface RegistrarParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly store: Pick<RegistrationStore, 'put' | 'remove'>;
  readonly userAgent: string;
  /** All that there are as of now. */
  readonly list: (of: RegistrationSettings['of']) => readonly Registrable[];
  /** First delay after a failure; doubles up to ten minutes. Default 1 s. */
  readonly firstDelayMs?: number;
  readonly random?: () => number;
}

/** How one stream stands in the other system. */
export interface RegistrationState {
  readonly streamId: string;
  readonly name: string;
  /** `conflict`: the name is taken there by something that we did not make. */
  readonly state: 'registered' | 'pending' | 'refused' | 'conflict';
  readonly reason?: string;
}

interface Trouble {
  readonly digest: string;
  readonly state: 'refused' | 'conflict';
  readonly reason: string;
}

/**
 * Keeps one other system in step: what it should know is compared with what was made there, and the difference is sent,
 * one request after the other, tried again until it is taken. Only what it made is ever changed or removed.
 */
export class Registrar {
  #settings: RegistrationSettings;
  #target: RegistrationTarget;
  readonly #parts: RegistrarParts;
  readonly #made: Map<string, MadeRegistration>;
  readonly #troubles = new Map<string, Trouble>();
  readonly #stop = new AbortController();
  #retry = new AbortController();
  #running: Promise<void> | undefined;
  #again = false;
  #retired = false;
  #failures = 0;
  #lastFailure: string | undefined;
  #checkedMs = Number.NEGATIVE_INFINITY;

  constructor(settings: RegistrationSettings, parts: RegistrarParts, made: Map<string, MadeRegistration>) {
    this.#settings = settings;
    this.#target = targetFor(settings);
    this.#parts = parts;
    this.#made = made;
  }

  get settings(): RegistrationSettings {
    return this.#settings;
  }

  /** Why the last attempt failed; undefined while it is reached. */
  get failure(): string | undefined {
    return this.#lastFailure;
  }

  /** Each stream that it is to know, or still knows. */
  get states(): readonly RegistrationState[] {
    const wanted = this.#wanted();
    const states = [...wanted.values()].map((stream): RegistrationState => this.#stateOf(stream));
    for (const { streamId, name } of this.#made.values())
      if (!wanted.has(streamId)) states.push({ streamId, name, state: 'pending', reason: 'it is to be removed there' });
    return states;
  }

  /** What counts from the next request on. */
  configure(settings: RegistrationSettings): void {
    if (JSON.stringify(settings) === JSON.stringify(this.#settings)) return;
    this.#settings = settings;
    this.#target = targetFor(settings);
    this.#troubles.clear();
    this.#checkedMs = Number.NEGATIVE_INFINITY;
    this.wake();
  }

  /** Streams or settings changed, or it is time to look: compares at once. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    this.#retry.abort();
    this.#retry = new AbortController();
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) this.wake();
    });
  }

  /** Called about once a minute. */
  tick(): void {
    const isDue = this.#parts.clock.monotonicMs() - this.#checkedMs >= recheckMs;
    if (this.#running === undefined && (isDue || this.#settings.of === 'tunnels')) this.wake();
  }

  /** Removes all that it made, as far as the system can be reached, and ends. */
  async retire(): Promise<void> {
    this.#retired = true;
    this.wake();
    await this.#running;
    await this.close();
  }

  async close(): Promise<void> {
    this.#again = false;
    this.#stop.abort();
    this.#retry.abort();
    await this.#running;
  }

  #stateOf(stream: RemoteStream): RegistrationState {
    const { streamId, name } = stream;
    const digest = digestOf(stream);
    const trouble = this.#troubles.get(streamId);
    if (trouble?.digest === digest) return { streamId, name, state: trouble.state, reason: trouble.reason };
    if (this.#made.get(streamId)?.digest === digest) return { streamId, name, state: 'registered' };
    return { streamId, name, state: 'pending', ...(this.#lastFailure !== undefined && { reason: this.#lastFailure }) };
  }

  #wanted(): Map<string, RemoteStream> {
    if (this.#retired) return new Map();
    const { of, streams, address, remote_name } = this.#settings;
    const patterns = streams.map(toPattern);
    const wanted = new Map<string, RemoteStream>();
    for (const { id, title, tunnel } of this.#parts.list(of)) {
      if (!patterns.some((pattern) => pattern.test(tunnel?.agentId ?? id))) continue;
      const variables = { stream_id: id, title, ...(tunnel && tunnelVariables(tunnel)) };
      const name = fillTemplate(remote_name, variables);
      wanted.set(id, {
        streamId: id,
        title,
        name,
        address: fillTemplate(address, { ...variables, name }, encodeURIComponent),
      });
    }
    return wanted;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stop.signal.aborted) {
      this.#again = false;
      try {
        await this.#reconcile();
        this.#succeeded();
      } catch (thrown) {
        if (this.#stop.signal.aborted || this.#retired) return;
        const delayMs = this.#failed(
          thrown instanceof RefusedError ? thrown.message : reasonOf(thrown, defaultTimeoutMs),
        );
        this.#again = true;
        await sleep(this.#parts.clock, delayMs, this.#retry.signal).catch(() => {});
      }
    }
  }

  async #reconcile(): Promise<void> {
    const wanted = this.#wanted();
    const nowMs = this.#parts.clock.monotonicMs();
    const isCheck = nowMs - this.#checkedMs >= recheckMs;
    if (isCheck) this.#troubles.clear();
    for (const made of [...this.#made.values()]) {
      if (wanted.get(made.streamId)?.name !== made.name) await this.#remove(made);
    }
    for (const stream of wanted.values()) await this.#settle(stream, isCheck);
    if (isCheck) this.#checkedMs = nowMs;
  }

  async #remove(made: MadeRegistration): Promise<void> {
    await this.#target.remove(made, this.#send);
    await this.#parts.store.remove(this.#settings.name, made.streamId);
    this.#made.delete(made.streamId);
  }

  async #settle(stream: RemoteStream, isCheck: boolean): Promise<void> {
    const digest = digestOf(stream);
    const made = this.#made.get(stream.streamId);
    const isMade = made?.digest === digest;
    if ((isMade && !isCheck) || this.#troubles.get(stream.streamId)?.digest === digest) return;
    try {
      const found = made === undefined || isMade ? await this.#target.find?.(stream, this.#send) : undefined;
      if (made === undefined && found === 'other') return this.#trouble(stream, 'conflict', takenText(stream.name));
      if (isMade && (found === undefined || found === 'ours')) return;
      const id = found === 'ours' ? undefined : await this.#target.put(stream, this.#send);
      await this.#keep({ streamId: stream.streamId, name: stream.name, digest, ...(id !== undefined && { id }) });
    } catch (thrown) {
      if (!(thrown instanceof RefusedError) || !thrown.isFinal) throw thrown;
      this.#trouble(stream, 'refused', thrown.message);
    }
  }

  async #keep(made: MadeRegistration): Promise<void> {
    const before = this.#made.get(made.streamId);
    const kept = made.id === undefined && before?.id !== undefined ? { ...made, id: before.id } : made;
    await this.#parts.store.put(this.#settings.name, kept);
    this.#made.set(kept.streamId, kept);
    this.#troubles.delete(kept.streamId);
  }

  #trouble(stream: RemoteStream, state: Trouble['state'], reason: string): void {
    this.#troubles.set(stream.streamId, { digest: digestOf(stream), state, reason });
    const { name } = this.#settings;
    this.#parts.events.emit({
      type: 'registration.refused',
      level: 'warning',
      streamId: stream.streamId,
      message: `"${name}" does not take the stream: ${reason}`,
      data: { registration: name, remote_name: stream.name },
    });
  }

  readonly #send: Send = (method, path, body) => {
    const { url } = this.#settings;
    const headers = { 'user-agent': this.#parts.userAgent, ...this.#target.headers };
    const target = url.replace(/\/+$/, '') + path;
    return call({ method, url: target, headers, body, timeoutMs: defaultTimeoutMs, signal: this.#stop.signal });
  };

  #succeeded(): void {
    if (this.#failures >= tellAfter) this.#tell('registration.recovered', 'info', 'is reached again');
    this.#failures = 0;
    this.#lastFailure = undefined;
  }

  /** Returns how long to wait. */
  #failed(why: string): number {
    const { logger, firstDelayMs = 1000, random = Math.random } = this.#parts;
    this.#lastFailure = why;
    if (++this.#failures === tellAfter) {
      logger.warn('Another system cannot be told of our streams', { registration: this.#settings.name, why });
      this.#tell('registration.failing', 'warning', `cannot be told of our streams: ${why}`);
    }
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#failures - 1, 20));
    return delayMs * (1 - jitter + 2 * jitter * random());
  }

  #tell(type: string, level: 'info' | 'warning', what: string): void {
    const { name } = this.#settings;
    this.#parts.events.emit({ type, level, message: `"${name}" ${what}`, data: { registration: name } });
  }
}

function targetFor(settings: RegistrationSettings): RegistrationTarget {
  if (settings.type === 'flussonic') return flussonicTarget(settings);
  return settings.type === 'watcher' ? watcherTarget(settings) : requestTarget(settings);
}

function tunnelVariables({ agentId, port, localPort }: NonNullable<Registrable['tunnel']>) {
  return { agent_id: agentId, port: String(port), local_port: String(localPort) };
}

function toPattern(text: string): RegExp {
  return new RegExp(`^${text.replace(/[.]/g, '\\.').replace(/\*/g, '.*')}$`);
}

function digestOf({ name, title, address }: RemoteStream): string {
  return createHash('sha256')
    .update(JSON.stringify([name, title, address]))
    .digest('base64url');
}

function takenText(name: string): string {
  return `"${name}" is there already and was not made by us — remove it there, or choose another remote_name`;
}
