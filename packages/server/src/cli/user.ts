import { nearest } from '@watchpost/base/text/nearest.ts';
import type { Identity } from '../catalog/identity/identity.ts';
import { checkStreams } from '../catalog/identity/rights.ts';
import { type Rights, roles } from '../catalog/identity/types.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { withIdentity } from './identity.ts';
import { askPassword } from './prompt.ts';
import { alignTable } from './table.ts';

/** `watchpost user add|list|change|remove|passwd`: works while the server runs and before the first start. */
export const userCommand: Command = {
  usage: 'user <action> [name]',
  description: 'add NAME, list, change NAME, remove NAME, passwd NAME',
  flags: [
    ['--role <role>', 'admin, operator (moves, records, exports) or viewer; the first user is admin'],
    ['--streams <ids>', 'the streams the user is limited to, by commas; "all" lifts the limit'],
  ],
  examples: ['user add anna --role operator --streams gate,yard', 'user change anna --streams all', 'user list'],
  async run([action, name], flags) {
    const actions: Readonly<Record<string, () => Promise<void>>> = {
      add: () => addUser(needName(name), flags),
      list: () => listUsers(flags),
      change: () => changeUser(needName(name), flags),
      remove: () => removeUser(needName(name), flags),
      passwd: () => changePassword(needName(name), flags),
    };
    await pickAction('user', action, actions)();
    return EXIT.fine;
  },
};

/** The action of that name; throws with the nearest one. */
export function pickAction<T>(command: string, action: string | undefined, actions: Readonly<Record<string, T>>): T {
  const names = Object.keys(actions);
  const found = action !== undefined && Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (found !== undefined) return found;
  const meant = nearest(action ?? '', names);
  throw usageError(
    `"${command} ${action ?? ''}": ${meant ? `did you mean "${command} ${meant}"?` : `say ${names.join(', ')}`}`,
  );
}

async function addUser(name: string, flags: Flags): Promise<void> {
  const { role, streams } = rightsOf(flags);
  const password = await askPassword();
  const add = async ({ users }: Identity) => {
    const given = role ?? ((await users.any()) ? 'viewer' : 'admin');
    return users.add({ name, password, role: given, ...(streams && { streams }) });
  };
  const user = await withIdentity(flags, add, `createUser ${name}`);
  process.stdout.write(`${user.name} can log in as ${user.role}${ofStreams(user)}.\n`);
}

async function changeUser(name: string, flags: Flags): Promise<void> {
  const change = rightsOf(flags);
  if (Object.keys(change).length === 0)
    throw usageError('change what? --role, --streams; "user passwd" for the password');
  const user = await withIdentity(flags, ({ users }) => users.change(name, change), `updateUser ${name}`);
  process.stdout.write(`${user.name} is ${user.role}${ofStreams(user)} from now on.\n`);
}

/** What `--role` and `--streams` say; `streams: null` for "all". */
export function rightsOf(flags: Flags): {
  readonly role?: Rights['role'];
  readonly streams?: readonly string[] | null;
} {
  const asked = textFlag(flags, 'role');
  const role = roles.find((known) => known === asked);
  if (asked !== undefined && role === undefined) throw usageError(`--role ${asked}: it is one of ${roles.join(', ')}`);
  const list = textFlag(flags, 'streams');
  const ids = list?.split(',').map((id) => id.trim());
  const streams = list === undefined ? {} : { streams: list === 'all' ? null : checkStreams(ids!) };
  return { ...(role && { role }), ...streams };
}

/** ` of gate, yard`, or nothing where there is no limit. */
function ofStreams({ streams }: Rights): string {
  return streams === undefined ? '' : ` of ${streams.join(', ')}`;
}

async function changePassword(name: string, flags: Flags): Promise<void> {
  const password = await askPassword();
  await withIdentity(flags, ({ users }) => users.change(name, { password }), `updateUser ${name}`);
  process.stdout.write(`${name} has a new password and must log in again everywhere.\n`);
}

async function removeUser(name: string, flags: Flags): Promise<void> {
  await withIdentity(flags, ({ users }) => users.remove(name), `deleteUser ${name}`);
  process.stdout.write(`${name} is removed, with all sessions and tokens.\n`);
}

async function listUsers(flags: Flags): Promise<void> {
  const users = await withIdentity(flags, ({ users: all }) => all.list());
  if (flags['json'] === true) process.stdout.write(`${JSON.stringify({ users })}\n`);
  else if (users.length === 0) process.stdout.write('Nobody yet — watchpost user add NAME\n');
  else
    process.stdout.write(
      `${alignTable([['NAME', 'ROLE', 'STREAMS'], ...users.map(({ name, role, streams }) => [name, role, streams?.join(',') ?? 'all'])]).join('\n')}\n`,
    );
}

function needName(name: string | undefined): string {
  if (name !== undefined) return name;
  throw usageError('whom? Write the name after it: watchpost user add anna');
}
