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
  const host = textOf('host');
  return startRtspCamera({ host, port: Number(port), ...auth }).catch((cause: NodeJS.ErrnoException) => {
    const why = reasons[cause.code ?? ''];
    if (why === undefined) throw cause;
    throw new WatchpostError(`${host}:${port} ${why}`, { kind: 'unavailable', code: 'SIMULATE_PORT', cause });
  });
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is taken by another program — choose another with --port, or 0 for any free one',
  EADDRNOTAVAIL: 'is no address of this machine — choose another with --host',
  ENOTFOUND: 'is no known address — choose another with --host',
  EACCES: 'is a port that only root may use — choose another with --port',
};

function isLogin(name: string): name is keyof typeof logins {
  return Object.hasOwn(logins, name);
}

function invalid(message: string): WatchpostError {
  return new WatchpostError(message, { kind: 'invalid_argument', code: 'SIMULATE_OPTION_INVALID' });
}
