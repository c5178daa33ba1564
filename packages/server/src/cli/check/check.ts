import { formatConfigMessage, readConfig } from '../../config/load.ts';
import type { ConfigMessage } from '../../config/types.ts';
import { type Command, EXIT, type Flags, usageError } from '../command.ts';
import { configFile } from '../configuration.ts';
import { alignTable } from '../table.ts';
import type { Finding } from './finding.ts';

/** `watchpost check` (RE9): what is wrong with a configuration and a machine, before anything runs. */
export const checkCommand: Command = {
  usage: 'check',
  description: 'Tell what is wrong with a configuration or this machine',
  flags: [],
  examples: ['check -c watchpost.toml', 'check --json'],
  async run(_args, flags) {
    const file = configFile(flags);
    if (file === undefined) throw usageError('there is no watchpost.toml here — name the configuration with -c FILE');
    const { configSections, createProtocols } = await import('../../registry.ts');
    const { config, errors, warnings } = await readConfig(file, configSections);
    const findings = [
      ...errors.map((error) => toFinding(error, 'bad')),
      ...warnings.map((warning) => toFinding(warning, 'odd')),
    ];
    if (config) {
      findings.push({ status: 'fine', what: 'configuration', text: `${file}: ${config.cameras.length} cameras` });
      const [{ checkCameras }, { checkCertificates }, { checkListeners }, { checkMachine }, { checkPlaces }] =
        await Promise.all([
          import('./cameras.ts'),
          import('./certificates.ts'),
          import('./listeners.ts'),
          import('./machine.ts'),
          import('./places.ts'),
        ]);
      const parts = [
        checkMachine(config),
        checkListeners(config),
        checkCertificates(config),
        checkPlaces(config),
        checkCameras(config, createProtocols({ mediaDir: () => config.mediaDir })),
      ];
      findings.push(...(await Promise.all(parts)).flat());
    }
    print(findings, flags);
    if (!config) return EXIT.usage;
    return findings.some(({ status }) => status === 'bad') ? EXIT.failed : EXIT.fine;
  },
};

function toFinding(message: ConfigMessage, status: 'odd' | 'bad'): Finding {
  const { cure, excerpt, ...place } = message;
  return {
    ...{ status, what: 'configuration', text: formatConfigMessage(place) },
    ...(cure !== undefined && { cure }),
    ...(excerpt !== undefined && { excerpt }),
  };
}

const SIGNS = { fine: ['✔', '32'], odd: ['!', '33'], bad: ['✘', '31'] } as const;

function print(findings: readonly Finding[], flags: Flags): void {
  const ok = !findings.some(({ status }) => status === 'bad');
  if (flags['json'] === true) {
    process.stdout.write(`${JSON.stringify({ ok, findings })}\n`);
    return;
  }
  const colour = process.stdout.isTTY === true && !process.env['NO_COLOR'];
  const lines = alignTable(findings.map(({ status, what, text }) => [SIGNS[status][0], what, text]));
  findings.forEach(({ status, what, cure, excerpt }, i) => {
    const [sign, code] = SIGNS[status];
    const line = lines[i]!;
    process.stdout.write(`${colour ? line.replace(sign, `\x1b[${code}m${sign}\x1b[0m`) : line}\n`);
    const margin = ' '.repeat(Math.min(6, what.length + 5));
    if (excerpt !== undefined) process.stdout.write(`${excerpt.replaceAll(/^/gm, margin)}\n`);
    if (cure !== undefined) process.stdout.write(`${margin}→ ${cure}\n`);
  });
  const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length;
  process.stdout.write(`\n${count('bad')} wrong, ${count('odd')} to look at, ${count('fine')} fine\n`);
}
