import { useState } from 'react';
import type { Stream, StreamStats } from '../api/types.ts';
import { useWords } from '../i18n/language.ts';
import { isMessageKey } from '../i18n/translate.ts';
import { codecLabel } from '../player/codec-support.ts';
import { Plot } from '../plots/plot.tsx';
import { axisEnd, historyRange, readerProtocols } from '../plots/stats-history.ts';
import { useStatsHistory } from '../plots/use-stats-history.ts';

/** The last minutes of a camera as plots, and what was counted since the server knows it. */
export function StreamFigures({ stream }: { stream: Stream }) {
  const { t, formats } = useWords();
  const { samples, last } = useStatsHistory(stream.stream_id);
  const [hoverMs, setHoverMs] = useState<number | null>(null);
  const atMs = samples.map((sample) => sample.atMs);
  const protocols = readerProtocols(samples);
  const reconnects = samples.filter(({ reconnected }) => reconnected).map((sample) => sample.atMs);
  const common = {
    ...{ atMs, range: historyRange(samples), hoverMs, onHover: setHoverMs, marks: reconnects },
  };
  const single = (values: (number | null)[], least: number) => ({
    lines: [{ name: 'value', values }],
    top: axisEnd(values, least),
  });
  const seconds = (value: number) => t('unit.s', { value: formats.number(value) });
  const readers = protocols.map((name) => ({ name, values: samples.map((sample) => sample.readers[name] ?? 0) }));
  const all = samples.map((sample) => Object.values(sample.readers).reduce((sum, count) => sum + count, 0));
  return (
    <div className="figures">
      <div className="plots" data-samples={samples.length}>
        <Plot
          {...common}
          {...single(
            samples.map(({ bitrate }) => bitrate),
            1000,
          )}
          title={t('stats.bitrate')}
          format={formats.bitRate}
        />
        <Plot
          {...common}
          {...single(
            samples.map(({ fps }) => fps),
            1,
          )}
          title={t('stats.fps')}
          format={(value) => formats.number(value)}
        />
        <Plot
          {...common}
          {...single(
            samples.map(({ gopSeconds }) => gopSeconds),
            1,
          )}
          title={t('stats.gop')}
          format={seconds}
        />
        <Plot
          {...common}
          {...single(
            samples.map(({ lostPercent }) => lostPercent),
            1,
          )}
          title={t('stats.lost')}
          tone="bad"
          format={(value) => `${formats.number(value)} %`}
        />
        <Plot
          {...common}
          title={t('stats.viewers')}
          lines={readers}
          top={axisEnd(all, 1)}
          format={(value) => formats.number(value, 0)}
        >
          <ul className="plot-legend">
            {readers.map(({ name, values }, place) => (
              <li key={name} data-line={place % 6}>
                {name} {formats.number(values.at(-1) ?? 0)}
              </li>
            ))}
          </ul>
        </Plot>
      </div>
      {reconnects.length > 0 ? <p className="muted">{t('stats.marks')}</p> : null}
      {last === null ? null : <Counted stats={last} />}
      <Outputs stream={stream} />
    </div>
  );
}

function Counted({ stats }: { stats: StreamStats }) {
  const { t, formats } = useWords();
  const dropped = stats.readers.reduce((sum, reader) => sum + reader.dropped, 0);
  const rows: [string, string][] = [
    [t('stats.received'), formats.bytes(stats.bytes)],
    [t('stats.packets'), formats.number(stats.packets)],
    [t('stats.lost'), formats.number(stats.lost)],
    [t('stats.reconnects'), formats.number(stats.reconnects)],
    [t('stats.damaged'), formats.number(stats.dropped_units)],
    [t('stats.dropped'), formats.number(dropped)],
    [t('stats.cache'), formats.bytes(stats.gop_cache_bytes)],
  ];
  return (
    <section className="card">
      <h2>{t('stats.counted')}</h2>
      <dl className="facts counts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <Repaired repaired={stats.repaired} />
      </dl>
    </section>
  );
}

function Repaired({ repaired }: { repaired: StreamStats['repaired'] }) {
  const { t, formats } = useWords();
  const kinds = Object.entries(repaired).filter(([, count]) => count > 0);
  const name = (kind: string) => {
    const key = `repaired.${kind}`;
    return isMessageKey(key) ? t(key) : kind;
  };
  return (
    <div>
      <dt>{t('stats.repaired')}</dt>
      <dd>
        {kinds.length === 0
          ? t('stats.repaired_none')
          : kinds.map(([kind, count]) => `${name(kind)}: ${formats.number(count)}`).join(', ')}
      </dd>
    </div>
  );
}

/** What each way to watch the camera carries, and why it leaves out what it does not. */
function Outputs({ stream }: { stream: Stream }) {
  const words = useWords();
  const { t } = words;
  if (stream.tracks.length === 0 || stream.outputs.length === 0) return null;
  const isPartlyRecorded = stream.left_out.some(({ output }) => output === 'recording');
  return (
    <section className="card">
      <h2>{t('outputs.title')}</h2>
      <ul className="outputs">
        {[...stream.outputs, ...(isPartlyRecorded ? ['recording'] : [])].map((output) => (
          <li key={output}>
            <code>{output}</code>
            <span className="output-tracks">
              {stream.tracks.map((track, index) => {
                const missing = stream.left_out.find((entry) => entry.output === output && entry.codec === track.codec);
                return (
                  // biome-ignore lint/suspicious/noArrayIndexKey: tracks have no name but their place
                  <span key={index} className={missing ? 'badge badge-missing' : 'badge badge-online'}>
                    {codecLabel(track.codec)}
                  </span>
                );
              })}
            </span>
            <span className="muted">
              {stream.left_out
                .filter((entry) => entry.output === output)
                .map((entry) => leftOutText(words, entry))
                .join(' · ')}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The reason is a sentence of the server, which speaks English alone. */
function leftOutText({ t, language }: ReturnType<typeof useWords>, entry: Stream['left_out'][number]): string {
  const codec = codecLabel(entry.codec);
  return language === 'en' ? `${codec}: ${entry.reason}` : t('outputs.left_out', { codec });
}
