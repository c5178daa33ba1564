import type { Role } from '../catalog/identity/types.ts';
import { nearest } from '../config/nearest.ts';
import { type Command, EXIT, type Flags, textFlag, usageError } from './command.ts';
import { withIdentity } from './identity.ts';
import { askPassword } from './prompt.ts';
import { alignTable } from './table.ts';

const ROLES: readonly Role[] = ['admin', 'operator', 'viewer'];

/** `watchpost user add|list|remove|passwd`: works while the server runs and before the first start. */
export const userCommand: Command = {
  usage: 'user <action> [name]',
  description: 'add NAME, list, remove NAME, passwd NAME',
  flags: [['--role <role>', 'of a new user: admin, operator or viewer (the first is admin)']],
  examples: ['user add anna --role operator', 'user list'],
  async run([action, name], flags) {
    const actions: Readonly<Record<string, () => Promise<void>>> = {
      add: () => addUser(needName(name), flags),
      list: () => listUsers(flags),
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
  const asked = textFlag(flags, 'role');
  const role = ROLES.find((known) => known === asked);
  if (asked !== undefined && role === undefined) throw usageError(`--role ${asked}: it is one of ${ROLES.join(', ')}`);
  const password = await askPassword();
  await withIdentity(flags, async ({ users }) => {
    const user = await users.add({ name, password, role: role ?? ((await users.any()) ? 'viewer' : 'admin') });
    process.stdout.write(`${user.name} can log in as ${user.role}.\n`);
  });
}

async function changePassword(name: string, flags: Flags): Promise<void> {
  const password = await askPassword();
  await withIdentity(flags, ({ users }) => users.change(name, { password }));
  process.stdout.write(`${name} has a new password and must log in again everywhere.\n`);
}

async function removeUser(name: string, flags: Flags): Promise<void> {
  await withIdentity(flags, ({ users }) => users.remove(name));
  process.stdout.write(`${name} is removed, with all sessions and tokens.\n`);
}

async function listUsers(flags: Flags): Promise<void> {
  const users = await withIdentity(flags, ({ users }) => users.list());
  if (flags['json'] === true) process.stdout.write(`${JSON.stringify({ users })}\n`);
  else if (users.length === 0) process.stdout.write('Nobody yet — watchpost user add NAME\n');
  else
    process.stdout.write(
      `${alignTable([['NAME', 'ROLE'], ...users.map((user) => [user.name, user.role])]).join('\n')}\n`,
    );
}

function needName(name: string | undefined): string {
  if (name !== undefined) return name;
  throw usageError('whom? Write the name after it: watchpost user add anna');
}
