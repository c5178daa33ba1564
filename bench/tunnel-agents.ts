/** Agents for `tunnel.ts`: `node bench/tunnel-agents.ts URL TOKEN COUNT idle|PORT`; `PORT` is that of the cameras. */
import { TestAgent } from '@watchpost/server/agents/test-agent.ts';

const [url = '', token = '', count = '1', what = 'idle'] = process.argv.slice(2);
const cameraPort = Number(what);

const targets = cameraPort > 0 ? [{ host: '127.0.0.1', port: cameraPort, service: 'rtsp' as const }] : [];
const agents: TestAgent[] = [];
for (let i = 0; i < Number(count); i++) {
  const agent = new TestAgent({
    url,
    token,
    agentId: `a${i}`,
    targets,
  });
  agents.push(agent);
  if (i % 20 === 19) await Promise.all(agents.slice(-20).map((each) => each.connected(60_000)));
}
await Promise.all(agents.map((agent) => agent.connected(60_000)));
console.log('connected');
setInterval(() => {}, 60_000);
