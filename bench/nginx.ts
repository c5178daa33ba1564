import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause, stop } from './measure.ts';

const program = '/usr/sbin/nginx';
const rtmpModule = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** Whether Debian's nginx and its RTMP module are installed. */
export const hasNginx = existsSync(program) && existsSync(rtmpModule);

/** A specialist to compare with: nginx as an RTMP server on 127.0.0.1, application `live`, one process. */
export async function withNginx<T>(port: number, work: (pid: number) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'watchpost-bench-nginx-'));
  const file = join(dir, 'nginx.conf');
  writeFileSync(
    file,
    `load_module ${rtmpModule};
daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log warn;
events { worker_connections 4096; }
rtmp { access_log off; server { listen 127.0.0.1:${port}; chunk_size 4096; application live { live on; } } }
`,
  );
  const child = spawn(program, ['-p', dir, '-c', file, '-e', join(dir, 'error.log')], { stdio: 'inherit' });
  try {
    await untilOpen(port, child);
    return await work(child.pid!);
  } finally {
    await stop(child);
    rmSync(dir, { recursive: true, force: true });
  }
}

async function untilOpen(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 50 && child.exitCode === null; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await pause(100);
  }
  throw new Error(`nginx does not listen on port ${port}`);
}
