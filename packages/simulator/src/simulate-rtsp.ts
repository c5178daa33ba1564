import { WatchpostError } from '@watchpost/base/errors.ts';
import { type RtspCamera, startRtspCamera } from './rtsp-camera.ts';

/** A command line option of `watchpost simulate rtsp`: name, value's name, default, one line of help. */
export interface SimulateOption {
  readonly name: string;
  readonly value: string;
  readonly fallback: string;
  readonly help: string;
}

/** Options of `watchpost simulate rtsp`, for its help. */
export const simulateRtspOptions: readonly SimulateOption[] = [
  { name: 'host', value: 'ADDRESS', fallback: '127.0.0.1', help: 'address to listen on' },
  { name: 'port', value: 'PORT', fallback: '18554', help: 'port to listen on; 0 for any free one' },
  { name: 'username', value: 'NAME', fallback: '', help: 'ask for a login with this user name' },
  { name: 'password', value: 'PASSWORD', fallback: '', help: 'and this password' },
  { name: 'login', value: 'METHOD', fallback: 'md5', help: 'basic, md5 or sha-256' },
];

const logins = { basic: 'basic', md5: 'MD5', 'sha-256': 'SHA-256' } as const;

/**
 * Starts a virtual camera from option texts as a command line has them; missing ones take their default. Rejects with
 * `invalid_argument` (`SIMULATE_OPTION_INVALID`) for a port or login method that is none.
 */
export async function simulateRtsp(options: Readonly<Record<string, string | undefined>>): Promise<RtspCamera> {
  const textOf = (name: string) =>
    options[name] ?? simulateRtspOptions.find((option) => option.name === name)?.fallback ?? '';
  const port = textOf('port');
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) throw invalid(`--port: "${port}" is not between 0 and 65535`);
  const login = textOf('login').toLowerCase();
  if (!isLogin(login)) throw invalid(`--login: "${login}" is none of ${Object.keys(logins).join(', ')}`);
  const username = textOf('username');
  const password = textOf('password');
  const auth = username === '' ? {} : { auth: { username, password, methods: [logins[login]] } };
  return startRtspCamera({ host: textOf('host'), port: Number(port), ...auth });
}

function isLogin(name: string): name is keyof typeof logins {
  return Object.hasOwn(logins, name);
}

function invalid(message: string): WatchpostError {
  return new WatchpostError(message, { kind: 'invalid_argument', code: 'SIMULATE_OPTION_INVALID' });
}
