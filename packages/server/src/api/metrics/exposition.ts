/** What a metric is: it only grows, or it goes up and down. */
export type MetricType = 'counter' | 'gauge';

/** Labels of one value. Few values each: stream ids, protocols, classes. */
export type Labels = Readonly<Record<string, string>>;

/** One metric with all its values. */
export interface MetricFamily {
  /** Prometheus's conventions: base units in the name, `_total` for counters. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly (readonly [labels: Labels, value: number])[];
}

/** Media type of `writeExposition`. */
export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

/** Writes metrics in Prometheus's text format 0.0.4; those without values are left out. */
export function writeExposition(families: readonly MetricFamily[]): string {
  const lines: string[] = [];
  for (const { name, help, type, samples } of families) {
    if (samples.length === 0) continue;
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`${name}${writeLabels(labels)} ${writeNumber(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A name of ours as a metric's: `lostFragments` is `lost_fragments`. */
export function toMetricName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '_');
}

function writeLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function writeNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
