const minute = 60_000;
const day = 24 * 60 * minute;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const phone =
  'Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36';

/** People of three roles. */
export function userFixtures(): Record<string, unknown>[] {
  const created = iso(Date.now() - 40 * day);
  return [
    { name: 'admin', role: 'admin', streams: null, created, last_seen: iso(Date.now()) },
    { name: 'ольга', role: 'operator', streams: null, created, last_seen: iso(Date.now() - day) },
    { name: '王伟', role: 'viewer', streams: ['vorota', 'yard'], created, last_seen: null },
  ];
}

/** Log-ins of two people. */
export function sessionFixtures(): Record<string, unknown>[] {
  const times = { created: iso(Date.now() - 3 * day), expires: iso(Date.now() + 27 * day) };
  return [
    ['admin', '192.0.2.99', firefox, 0],
    ['admin', '192.0.2.14', phone, 5 * 60],
    ['ольга', '2001:db8::5', '', 26 * 60],
  ].map(([user, address, agent, minutes], index) => ({
    ...times,
    id: `s${index}`,
    user,
    address,
    user_agent: agent,
    last_used: iso(Date.now() - Number(minutes) * minute),
    current: index === 0,
  }));
}

/** Rows of the audit log, newest first. */
export function auditFixtures(): Record<string, unknown>[] {
  const kinds = [
    ['live', 'ольга', 'session', 'vorota', ''],
    ['playback', 'admin', 'session', 'yard', ''],
    ['denied', '王伟', 'session', 'camera-1', 'GET /api/v1/streams/:id'],
    ['configure', 'admin', 'session', null, 'updateUser ольга'],
    ['live', 'admin', 'token Home Assistant', 'vorota.sub', ''],
    ['export', 'ольга', 'session', 'yard', 'createExport'],
    ['login_failed', 'root', 'password', null, 'auth.login_failed'],
    ['login', 'ольга', 'password', null, 'auth.login'],
  ] as const;
  return Array.from({ length: 20 }, (_, index) => {
    const [action, user, via, streamId, detail] = kinds[index % kinds.length] ?? kinds[0];
    return {
      id: 40 - index,
      at: iso(Date.now() - index * 11 * minute),
      action,
      user,
      via,
      stream_id: streamId,
      detail,
      address: '192.0.2.99',
      user_agent: via.startsWith('token') ? 'HomeAssistant/2026.1' : firefox,
    };
  });
}
