import type { FastifyInstance } from 'fastify';
import type { ApiDependencies, BackendReport, WebhookReport } from '../dependencies.ts';
import { agentFamilies } from './agent-metrics.ts';
import { EventLoopLag } from './event-loop-lag.ts';
import { type MetricFamily, type MetricType, toMetricName, writeExposition } from './exposition.ts';
import { HttpMeter } from './http-meter.ts';
import { streamFamilies } from './stream-metrics.ts';

/** Types of events that are counted; they are a closed list, and this keeps a mistake from filling the memory. */
const maxEventTypes = 500;
const backendStates: readonly BackendReport['state'][] = ['ok', 'low', 'full', 'missing', 'error'];

/** All metrics of this server, read when they are asked for. */
export class ServerMetrics {
  readonly #deps: ApiDependencies;
  readonly #http: HttpMeter;
  readonly #lag: EventLoopLag;
  readonly #events = new Map<string, number>();

  constructor(app: FastifyInstance, deps: ApiDependencies) {
    this.#deps = deps;
    this.#http = new HttpMeter(app);
    this.#lag = new EventLoopLag(deps.clock);
    const unsubscribe = deps.events.subscribe(({ type }) => {
      if (this.#events.size < maxEventTypes || this.#events.has(type))
        this.#events.set(type, (this.#events.get(type) ?? 0) + 1);
    });
    app.addHook('onClose', async () => {
      unsubscribe();
      this.#lag[Symbol.dispose]();
    });
  }

  /** Prometheus's text format 0.0.4. */
  async text(): Promise<string> {
    const { hub, recorder, version } = this.#deps;
    const backends = await recorder.storageReport();
    return writeExposition([
      { ...one('watchpost_build_info', 'The version that runs.'), samples: [[{ version }, 1]] },
      ...streamFamilies(hub.list()),
      one('watchpost_hub_cache_bytes', 'Bytes kept for the readers of all streams and outputs.', hub.budget.usedBytes),
      ...protocolFamilies(this.#deps.protocolStats()),
      ...recorderFamilies(recorder.stats()),
      ...storageFamilies(backends),
      ...agentFamilies(this.#deps.agents.counts()),
      ...this.#http.families(),
      {
        name: 'watchpost_events_total',
        help: 'Events by type since the start.',
        type: 'counter',
        samples: [...this.#events].sort().map(([type, count]) => [{ type }, count] as const),
      },
      ...webhookFamilies(this.#deps.webhooks()),
      one(
        'watchpost_audit_dropped_rows_total',
        'Audit rows that could not be stored.',
        this.#deps.audit.dropped,
        'counter',
      ),
      one('watchpost_events_dropped_total', 'Events that could not be stored.', this.#deps.events.dropped, 'counter'),
      ...this.#processFamilies(),
    ]);
  }

  #processFamilies(): readonly MetricFamily[] {
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    const lag = this.#lag.read();
    const startedSeconds = Math.round(this.#deps.clock.wallMs() / 1000 - process.uptime());
    return [
      one('process_cpu_seconds_total', 'CPU time of user and system.', (user + system) / 1e6, 'counter'),
      one('process_resident_memory_bytes', 'Memory of the process.', memory.rss),
      one('process_start_time_seconds', 'When the process began, since 1970.', startedSeconds),
      one('nodejs_heap_size_used_bytes', 'JavaScript objects.', memory.heapUsed),
      one('nodejs_external_memory_bytes', 'Buffers outside the heap.', memory.external),
      one('watchpost_event_loop_lag_mean_seconds', 'Mean delay of timers since the last reading.', lag.mean),
      one('watchpost_event_loop_lag_p99_seconds', 'Delay that one timer in a hundred exceeds.', lag.p99),
      one('watchpost_event_loop_lag_max_seconds', 'Longest delay of a timer since the last reading.', lag.max),
    ];
  }
}

function one(name: string, help: string, value = 0, type: MetricType = 'gauge'): MetricFamily {
  return { name, help, type, samples: [[{}, value]] };
}

/** Names of what only grows since the process began; the others go up and down. */
const growing = /^(bytes|dropped|failed|lost|stuck)_|_(bytes|sent|of_others|total)$/;

/** A count of ours as a metric is named and typed: what only grows is a counter, and says so at the end. */
function countOf(name: string, prefix: string): { readonly name: string; readonly type: MetricType } {
  if (!growing.test(name)) return { name: prefix + name, type: 'gauge' };
  return { name: `${prefix}${name.replace(/_total$/, '')}_total`, type: 'counter' };
}

/** One metric for each name, whatever protocols have it. */
function protocolFamilies(all: ReturnType<ApiDependencies['protocolStats']>): readonly MetricFamily[] {
  const byName = new Map<string, [{ protocol: string }, number][]>();
  for (const { protocol, stats } of all)
    for (const [key, value] of Object.entries(stats)) {
      const name = toMetricName(key);
      byName.set(name, [...(byName.get(name) ?? []), [{ protocol }, value]]);
    }
  return [...byName].sort().map(([name, samples]) => ({
    ...countOf(name, 'watchpost_protocol_'),
    help: `What the protocols count as ${name.replaceAll('_', ' ')}.`,
    samples,
  }));
}

function recorderFamilies(stats: Readonly<Record<string, number>>): readonly MetricFamily[] {
  return Object.entries(stats).map(([key, value]) => {
    const name = toMetricName(key);
    const isMs = name.endsWith('_ms');
    const count = countOf(isMs ? name.replace(/_ms$/, '_seconds') : name, 'watchpost_recorder_');
    const help = `What the recorder counts as ${name.replace(/_ms$/, '').replaceAll('_', ' ')}.`;
    return one(count.name, help, isMs ? value / 1000 : value, count.type);
  });
}

function storageFamilies(backends: readonly BackendReport[]): readonly MetricFamily[] {
  const each = (name: string, help: string, value: (backend: BackendReport) => number | undefined): MetricFamily => ({
    name: `watchpost_storage_${name}`,
    help,
    type: 'gauge',
    samples: backends.flatMap((backend) => {
      const measured = value(backend);
      return measured === undefined ? [] : [[{ backend: backend.name }, measured] as const];
    }),
  });
  return [
    each('size_bytes', 'Size of the disk.', ({ totalBytes }) => totalBytes),
    each('free_bytes', 'Free on the disk.', ({ freeBytes }) => freeBytes),
    each('recorded_bytes', 'Recordings on the disk.', ({ recordedBytes }) => recordedBytes),
    each('locked_bytes', 'Recordings that no retention deletes.', ({ lockedBytes }) => lockedBytes),
    each('write_bytes_per_second', 'What is written now.', ({ writeBytesPerSecond }) => writeBytesPerSecond),
    each('retention_seconds', 'How long recordings are to be kept.', ({ retentionDays }) => retentionDays * 86_400),
    each('forecast_seconds', 'How long a stretch fits at the present rate.', ({ forecastDays }) =>
      forecastDays === undefined ? undefined : forecastDays * 86_400,
    ),
    {
      name: 'watchpost_storage_state',
      help: 'One for the state that the disk is in.',
      type: 'gauge',
      samples: backends.flatMap(({ name, state }) =>
        backendStates.map((known) => [{ backend: name, state: known }, Number(known === state)] as const),
      ),
    },
  ];
}

function webhookFamilies(hooks: readonly WebhookReport[]): readonly MetricFamily[] {
  const each = (
    name: string,
    help: string,
    count: { type: MetricType; of: (hook: WebhookReport) => number },
  ): MetricFamily => ({
    ...{ name: `watchpost_webhook_${name}`, help, type: count.type },
    samples: hooks.map((hook) => [{ webhook: hook.name }, count.of(hook)] as const),
  });
  return [
    each('waiting_events', 'Events that wait for the receiver.', { type: 'gauge', of: ({ waiting }) => waiting }),
    each('delivered_events_total', 'Events that the receiver took.', {
      ...{ type: 'counter', of: ({ delivered }) => delivered },
    }),
    each('dropped_events_total', 'Events lost: too many waited, they were too old, or the receiver refused them.', {
      ...{ type: 'counter', of: ({ dropped }) => dropped },
    }),
  ];
}
