const mib = 1024 ** 2;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** One agent with two cameras, and one that is away. */
export function agentFixtures(): Record<string, unknown>[] {
  return [
    {
      ...{
        id: 'warehouse',
        state: 'connected',
        software: 'watchpost-agent 0.1.0',
        address: '203.0.113.8',
        key: 'f3:4c',
      },
      ...{ enrolled: iso(Date.now() - 9e8), last_seen: iso(Date.now()), health: { rss_bytes: 48 * mib } },
      cameras: [
        {
          ...{ id: 'dock', host: '10.0.0.21', vendor: 'Dahua', model: 'IPC-HFW2449', reachable: true },
          streams: [{ port: 554, path: '/cam/realmonitor?channel=1', codecs: ['h264'], width: 2688, height: 1520 }],
        },
        { ...{ id: 'gate-2', host: '10.0.0.22', reachable: false }, streams: [] },
      ],
    },
    {
      ...{ id: 'kiosk', state: 'disconnected', software: null, address: null, key: null },
      ...{ enrolled: iso(Date.now() - 9e8), last_seen: iso(Date.now() - 7e7), health: null, cameras: [] },
    },
  ];
}

/** The tunnel of the first one. */
export function tunnelFixtures(): Record<string, unknown>[] {
  return [
    {
      ...{ id: 'warehouse', status: 'connected', local_port: 20_001, remote_port: 554, bytes_transferred: 9e10 },
      ...{ connections: 2, uptime: 86_000, round_trip_ms: 41, resumes: 3, buffered_bytes: 0, epoch: 7 },
      ports: [
        {
          ...{ local_port: 20_001, remote_host: '10.0.0.21', remote_port: 554, service: 'rtsp' },
          ...{ connections: 2, bytes_transferred: 9e10 },
        },
      ],
    },
  ];
}

/** A token that lets one agent in. */
export function enrolmentFixtures(): Record<string, unknown>[] {
  return [
    {
      ...{ id: '1', name: 'Warehouse', created_by: 'admin', created: iso(Date.now()) },
      ...{ expires: iso(Date.now() + 8e7), uses: 1, max_uses: 3 },
    },
  ];
}
