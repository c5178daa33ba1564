import type { Logger } from '@watchpost/base/logger.ts';
import { startRtspCamera } from '@watchpost/simulator/rtsp-camera.ts';
import type { Config } from '../config/types.ts';
import { defaultConfig } from './configuration.ts';
import { isFree } from './ports.ts';

const SIMULATOR = { host: '127.0.0.1', port: 18554 };

/** Virtual cameras and the configuration that records them into `./data`. */
export interface Demo extends AsyncDisposable {
  readonly config: Config;
}

/** Starts the virtual cameras of the demo; their port is the simulator's own where that is free. */
export async function startDemo(logger: Logger): Promise<Demo> {
  const camera = await startRtspCamera((await isFree(SIMULATOR)) ? SIMULATOR : { ...SIMULATOR, port: 0 });
  logger.info('Virtual cameras are running', { urls: Object.values(camera.urls) });
  const { main, sub, h265, h265sub } = camera.urls;
  const config = defaultConfig(`
    data_dir = "./data"
    [[cameras]]
    name = "demo"
    title = "Demo · H.264 + AAC"
    url = "${main}"
    sub_url = "${sub}"
    [[cameras]]
    name = "demo-h265"
    title = "Demo · H.265 + G.711"
    url = "${h265}"
    sub_url = "${h265sub}"
  `);
  return { config, [Symbol.asyncDispose]: () => camera.close() };
}
