import type { Identity } from '../catalog/identity/identity.ts';
import { rtspPasswordOf } from '../catalog/identity/media-login.ts';
import { lesserRights } from '../catalog/identity/rights.ts';
import { parseDuration } from '../config/values.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { withIdentity } from './identity.ts';
import { alignTable } from './table.ts';
import { pickAction, rightsOf } from './user.ts';

/** `watchpost token add|list|remove`: API tokens for programs; one acts for a user. */
export const tokenCommand: Command = {
  usage: 'token <action> [name]',
  description: 'add NAME --user USER, list, remove ID',
  flags: [
    ['--user <user>', 'for whom a new token acts'],
    ['--role <role>', 'admin, operator or viewer; without it, that of the user'],
    ['--streams <ids>', 'the streams a new token is limited to, by commas'],
    ['--expires <duration>', 'life of a new token, such as 30d; without it, until removed'],
  ],
  examples: [
    'token add prometheus --user anna --role viewer',
    'token add wall --user anna --streams gate --expires 365d',
  ],
  async run([action, name], flags) {
    const actions: Readonly<Record<string, () => Promise<void>>> = {
      add: () => addToken(name, flags),
      list: () => listTokens(flags),
      remove: () => removeToken(name, flags),
    };
    await pickAction('token', action, actions)();
    return EXIT.fine;
  },
};

async function addToken(name: string | undefined, flags: Flags): Promise<void> {
  const userName = textFlag(flags, 'user');
  if (name === undefined || userName === undefined)
    throw usageError('write what it is for and whom it acts for: watchpost token add watcher --user anna');
  const life = textFlag(flags, 'expires');
  const seconds = parseDuration(life);
  if (life !== undefined && seconds === undefined) throw usageError(`--expires ${life}: write 12h, 30d, 365d`);
  const { role, streams } = rightsOf(flags);
  const limits = { ...(role && { role }), ...(streams && { streams }) };
  const expires = seconds !== undefined && { expiresMs: Date.now() + seconds * 1000 };
  const add = async ({ users, tokens, mediaKey }: Identity) => {
    const user = (await users.list()).find((known) => known.name === userName);
    if (!user) throw usageError(`there is no user "${userName}" — watchpost user list`);
    const { id, secret } = await tokens.create(user, { name, limits, ...expires });
    return { id, secret, password: rtspPasswordOf(mediaKey, id) };
  };
  const { id, secret, password } = await withIdentity(flags, add, `createToken ${name}`);
  if (flags['json'] === true) {
    process.stdout.write(`${JSON.stringify({ id, token: secret, rtsp_password: password })}\n`);
    return;
  }
  process.stderr.write(`RTSP login: user name ${id}, password ${password}\n`);
  process.stderr.write('It is shown this once:\n');
  process.stdout.write(`${secret}\n`);
}

async function listTokens(flags: Flags): Promise<void> {
  const tokens = await withIdentity(flags, ({ tokens: all }) => all.list());
  const rows = tokens.map(({ id, name, user, limits, createdMs, usedMs, expiresMs }) => ({
    id,
    name,
    user: user.name,
    role: lesserRights(user, limits).role,
    streams: lesserRights(user, limits).streams?.join(',') ?? 'all',
    created: isoTime(createdMs),
    used: isoTime(usedMs),
    expires: isoTime(expiresMs),
  }));
  if (flags['json'] === true) process.stdout.write(`${JSON.stringify({ tokens: rows })}\n`);
  else {
    const header = ['ID', 'NAME', 'USER', 'ROLE', 'STREAMS', 'CREATED', 'LAST USED', 'EXPIRES'];
    const table = alignTable([header, ...rows.map((row) => Object.values(row).map((cell) => cell ?? '–'))]);
    process.stdout.write(`${table.join('\n')}\n`);
  }
}

async function removeToken(id: string | undefined, flags: Flags): Promise<void> {
  if (id === undefined) throw usageError('which? Write its id after it: watchpost token list shows them');
  const remove = async ({ tokens }: Identity) => {
    if (!(await tokens.revoke(id))) throw usageError(`there is no token "${id}" — watchpost token list`);
  };
  await withIdentity(flags, remove, `revokeToken ${id}`);
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString().slice(0, 19).concat('Z');
}
