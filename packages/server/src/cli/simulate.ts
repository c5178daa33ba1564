import { simulateRtsp, simulateRtspOptions } from '@watchpost/simulator/simulate-rtsp.ts';
import { type Command, EXIT, textFlag } from './command.ts';
import { stopSignal } from './signals.ts';
import { pickAction } from './user.ts';

/** `watchpost simulate rtsp`: a virtual camera until a signal comes. */
export const simulateCommand: Command = {
  usage: 'simulate <what>',
  description: 'Run a virtual camera: rtsp',
  flags: simulateRtspOptions.map(({ name, value, fallback, help }) => [
    `--${name} <${value.toLowerCase()}>`,
    fallback === '' ? help : `${help} (${fallback})`,
  ]),
  examples: ['simulate rtsp', 'simulate rtsp --port 0 --username admin --password secret'],
  needsNoConfig: true,
  async run([what], flags) {
    pickAction('simulate', what, { rtsp: true });
    const options = Object.fromEntries(simulateRtspOptions.map(({ name }) => [name, textFlag(flags, name)]));
    await using camera = await simulateRtsp(options);
    if (flags['json'] === true) process.stdout.write(`${JSON.stringify({ urls: camera.urls })}\n`);
    else process.stdout.write(`${Object.values(camera.urls).join('\n')}\n`);
    await stopSignal();
    return EXIT.fine;
  },
};
