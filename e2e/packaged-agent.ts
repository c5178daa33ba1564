import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { updateStatement } from '@watchpost/agent/commands/update.ts';
import { buildFirmware } from '@watchpost/agent/firmware/build.ts';
import { openSigningKey } from '@watchpost/agent/firmware/signing-key.ts';
import { unpackFirmware } from '@watchpost/agent/firmware/verify.ts';

/** The agent as a package has it, started by the package's own scripts. */
export class PackagedAgent implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: ChildProcess;
  /** Its one file. */
  readonly bundle: string;
  log = '';

  private constructor(folder: string) {
    this.#folder = folder;
    this.bundle = readFileSync(join(folder, 'package/agent.js'), 'utf8');
    this.#child = spawn(join(folder, 'package/supervise'), ['-c', join(folder, 'package/agent.json')], {
      env: {
        ...process.env,
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        WATCHPOST_AGENT_STATE: this.state,
        WATCHPOST_AGENT_TRIAL_SECONDS: '4',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr!.on('data', (text: Buffer) => {
      this.log = (this.log + text.toString()).slice(-20_000);
    });
  }

  /** Builds the package of a Linux machine and starts it. */
  static async start(options: { serverUrl: string; token: string; agentId: string }): Promise<PackagedAgent> {
    const folder = mkdtempSync(join(tmpdir(), 'watchpost-update-'));
    const keyFile = join(folder, 'key.pem');
    const built = await buildFirmware({
      camera: 'linux',
      output: folder,
      keyFile,
      cameraHost: '127.0.0.1',
      ...options,
    });
    for (const { path, mode, bytes } of unpackFirmware(readFileSync(built.files[0]!.path))) {
      const place = join(folder, 'package', path.replace(/^[^/]*\//, ''));
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, bytes, { mode });
    }
    return new PackagedAgent(folder);
  }

  /** Its state folder. */
  get state(): string {
    return join(this.#folder, 'state');
  }

  /** Parameters of the command `update`, signed by the key of the package or another one. */
  offer(version: string, code: string, key = openSigningKey(join(this.#folder, 'key.pem')).key) {
    const bytes = Buffer.from(code);
    const sha256 = createHash('sha256').update(bytes).digest();
    const signature = sign(null, updateStatement(version, sha256), key).toString('base64');
    return { version, signature, sha256: sha256.toString('hex'), bundle: bytes.toString('base64') };
  }

  /** The agent of another version. */
  ofVersion(version: string): string {
    return this.bundle.replaceAll('0.1.0', version);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
