import { type RtspCamera, type RtspCameraOptions, startRtspCamera } from './rtsp-camera.ts';

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

/** Starts a virtual camera from option texts as a command line has them; missing ones take their default. */
export async function simulateRtsp(options: Readonly<Record<string, string | undefined>>): Promise<RtspCamera> {
  const valueOf = (name: string) =>
    options[name] ?? simulateRtspOptions.find((option) => option.name === name)?.fallback ?? '';
  const login = valueOf('login') as keyof typeof logins;
  const username = valueOf('username');
  const camera: RtspCameraOptions = {
    host: valueOf('host'),
    port: Number(valueOf('port')),
    ...(username === ''
      ? {}
      : { auth: { username, password: valueOf('password'), methods: [logins[login] ?? logins.md5] } }),
  };
  return startRtspCamera(camera);
}
