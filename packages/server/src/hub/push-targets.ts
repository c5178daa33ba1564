import type { SourceUrl } from '@watchpost/base/source-url.ts';
import { PushRunner, type PushRunnerOptions, type PushStatus } from './push-runner.ts';
import type { Stream } from './stream.ts';
import type { StreamHub } from './stream-hub.ts';

/** The targets of all streams: one runner for each, begun and ended as definitions change. */
export class PushTargets implements AsyncDisposable {
  readonly #options: PushRunnerOptions;
  readonly #runners = new Map<Stream, readonly PushRunner[]>();
  readonly #forgetHub: () => void;

  constructor(hub: StreamHub, options: PushRunnerOptions) {
    this.#options = options;
    this.#forgetHub = hub.onChange((change) => {
      if (change.type === 'clock_step' || change.type === 'tracks') return;
      const { stream } = change;
      if (change.type === 'state') for (const runner of this.#runners.get(stream) ?? []) runner.streamChanged();
      else this.#bring(stream, change.type === 'removed' ? [] : wantedTargets(stream));
    });
    for (const stream of hub.list()) this.#bring(stream, wantedTargets(stream));
  }

  /** What the targets of a stream are doing, in their order. */
  of(stream: Stream): readonly PushStatus[] {
    return (this.#runners.get(stream) ?? []).map((runner) => runner.status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forgetHub();
    const all = [...this.#runners.values()].flat();
    this.#runners.clear();
    await Promise.all(all.map((runner) => runner.stop()));
  }

  /** Keeps the runners of targets that stay. */
  #bring(stream: Stream, targets: readonly SourceUrl[]): void {
    const before = this.#runners.get(stream) ?? [];
    if (before.length === 0 && targets.length === 0) return;
    const known = new Map(before.map((runner) => [JSON.stringify(runner.target), runner]));
    const after = targets.map((target) => {
      const key = JSON.stringify(target);
      const kept = known.get(key);
      known.delete(key);
      return kept ?? new PushRunner(stream, target, this.#options);
    });
    for (const runner of known.values()) void runner.stop();
    if (after.length === 0) this.#runners.delete(stream);
    else this.#runners.set(stream, after);
  }
}

function wantedTargets({ definition }: Stream): readonly SourceUrl[] {
  return definition.stopped ? [] : (definition.push ?? []);
}
