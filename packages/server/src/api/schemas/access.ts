import { z } from 'zod';
import { instant } from './common-fields.ts';

/** What somebody may do; each role may do what the next may. */
const role = z.enum(['admin', 'operator', 'viewer']);
const streamIds = z.array(z.string().max(64)).min(1).max(1000);
const limitOut = z.array(z.string()).nullable().describe('Streams it is limited to; null: all');
const userName = z.string().regex(/^[\p{L}\p{N}._@-]{1,64}$/u, 'letters, digits, ".", "_", "@" and "-", at most 64');
const newPassword = z.string().min(8).max(256);

/** `GET /session`: who is asking, and whether set-up is still to be done. */
export const sessionSchema = z
  .object({
    set_up: z.boolean().describe('False until the first administrator exists'),
    auth: z.enum(['required', 'none']),
    user: z.object({ name: z.string(), role, streams: limitOut }).nullable(),
    version: z.string(),
    time: instant.describe("The server's clock"),
  })
  .meta({ id: 'Session' });

/** `POST /setup`: makes the first administrator; `token` is from the one-time link. Answers like a login. */
export const setUpSchema = z
  .object({
    token: z.string(),
    name: userName,
    password: newPassword,
  })
  .strict()
  .meta({ id: 'SetUp' });

/** `POST /login` */
export const loginSchema = z
  .object({ name: z.string().max(64), password: z.string().max(256) })
  .strict()
  .meta({ id: 'Login' });

/** Answer of `POST /login` and `POST /setup`; a session cookie is set as well. */
export const loginResultSchema = z
  .object({ token: z.string(), expires: instant, user: z.object({ name: z.string(), role, streams: limitOut }) })
  .meta({ id: 'LoginResult' });

/** An API token; its secret is shown once, when it is made. */
export const apiTokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    user: z.string().describe('For whom it acts'),
    role,
    streams: limitOut,
    created: instant,
    last_used: instant.nullable(),
    expires: instant.nullable(),
  })
  .meta({ id: 'ApiToken' });

/** `POST /tokens` */
export const newTokenSchema = z
  .object({
    name: z.string().min(1).max(100),
    expires_days: z.number().positive().max(3660).optional(),
    role: role.optional().describe('Default, and at most: the role of whoever asks'),
    streams: streamIds.optional().describe('Limits it to these streams'),
  })
  .strict()
  .meta({ id: 'NewToken' });

/** Answer of `POST /tokens`; `token` and `rtsp_password` are shown this once. */
export const createdTokenSchema = apiTokenSchema
  .extend({
    token: z.string(),
    rtsp_password: z.string().describe('With the id as user name: a login for media, also by Digest'),
  })
  .meta({ id: 'CreatedToken' });

/** `GET /tokens` */
export const tokenListSchema = z.object({ tokens: z.array(apiTokenSchema) }).meta({ id: 'TokenList' });

/** A login of somebody: a browser or a program that holds a session. */
export const loginSessionSchema = z
  .object({
    id: z.string(),
    user: z.string(),
    created: instant,
    last_used: instant,
    expires: instant,
    address: z.string(),
    user_agent: z.string(),
    current: z.boolean().describe('The session that asks'),
  })
  .meta({ id: 'LoginSession' });

/** `GET /sessions` */
export const sessionListSchema = z.object({ sessions: z.array(loginSessionSchema) }).meta({ id: 'SessionList' });

/** A user as administrators see it. */
export const userSchema = z
  .object({
    name: z.string(),
    role,
    streams: limitOut,
    created: instant,
    last_seen: instant.nullable().describe('When a session was last used'),
  })
  .meta({ id: 'User' });

/** `GET /users` */
export const userListSchema = z.object({ users: z.array(userSchema) }).meta({ id: 'UserList' });

/** `POST /users` */
export const newUserSchema = z
  .object({
    name: userName,
    password: newPassword,
    role,
    streams: streamIds.nullable().optional().describe('Limits the user to these streams'),
  })
  .strict()
  .meta({ id: 'NewUser' });

/** `PATCH /users/{name}` */
export const userPatchSchema = z
  .object({
    password: newPassword.optional().describe("Ends all the user's sessions"),
    role: role.optional(),
    streams: streamIds.nullable().optional().describe('null lifts the limit'),
  })
  .strict()
  .meta({ id: 'UserPatch' });

/** `POST /password` */
export const passwordChangeSchema = z
  .object({ current: z.string().max(256), password: newPassword })
  .strict()
  .meta({ id: 'PasswordChange' });
