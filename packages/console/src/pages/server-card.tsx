import { useState } from 'react';
import { useWords } from '../i18n/language.ts';
import { Plot } from '../plots/plot.tsx';
import type { ServerHistory } from '../plots/server-history.ts';
import { axisEnd, historyRange } from '../plots/stats-history.ts';

/** The process that runs: version, since when, what it uses. */
export function ServerCard({ history }: { history: ServerHistory }) {
  const { t, formats } = useWords();
  const [hoverMs, setHoverMs] = useState<number | null>(null);
  const { samples, last } = history;
  if (last === null) return null;
  const atMs = samples.map((sample) => sample.atMs);
  const common = { ...{ atMs, range: historyRange(samples), hoverMs, onHover: setHoverMs } };
  const cpu = samples.map(({ cpuPercent }) => cpuPercent);
  const memory = samples.map(({ residentBytes }) => residentBytes);
  const facts: [string, string][] = [
    [t('health.version'), last.version],
    [t('health.runtime'), last.runtime],
    [t('health.started'), formats.dateTime(Date.parse(last.started))],
    [t('health.uptime'), formats.duration(last.uptime_seconds * 1000)],
    [t('health.cores'), formats.number(last.cpu_count)],
    [
      t('health.machine_memory'),
      t('storage.free', { size: formats.bytes(last.free_memory_bytes), total: formats.bytes(last.memory_bytes) }),
    ],
    [t('stats.cache'), formats.bytes(last.cache_bytes)],
  ];
  return (
    <>
      <div className="plots">
        <Plot
          {...common}
          title={t('health.cpu')}
          lines={[{ name: 'cpu', values: cpu }]}
          top={axisEnd(cpu, 10)}
          format={(value) => `${formats.number(value)} %`}
        />
        <Plot
          {...common}
          title={t('health.memory')}
          lines={[{ name: 'memory', values: memory }]}
          top={
            axisEnd(
              memory.map((bytes) => bytes / 1024 ** 2),
              1,
            ) *
            1024 ** 2
          }
          format={formats.bytes}
        />
      </div>
      <section className="card">
        <dl className="facts counts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
    </>
  );
}
