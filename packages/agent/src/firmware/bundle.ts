import { WatchpostError } from '@watchpost/base/errors.ts';

/** Largest size of the agent's one file: it has to fit the flash of small devices. */
export const maxBundleBytes = 200_000;

/**
 * The agent as one file of JavaScript that needs nothing but the runtime's own modules. The same sources give the same
 * bytes. Throws `unsupported` (`FIRMWARE_NO_BUNDLER`) in an installation without development packages.
 */
export async function bundleAgent(): Promise<Uint8Array> {
  const { rolldown } = await loadBundler();
  const entry = new URL('../main.ts', import.meta.url).pathname;
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    external: [/^node:/],
    transform: { target: 'node20' },
    // Nothing works at import, so what nobody uses can go.
    treeshake: { moduleSideEffects: (id) => id.endsWith('/main.ts') },
    logLevel: 'silent',
  });
  try {
    const { output } = await bundle.generate({
      format: 'esm',
      codeSplitting: false,
      minify: true,
      comments: false,
      sourcemap: false,
    });
    const code = Buffer.from(`${output[0].code}\n`);
    if (output.length === 1 && code.length <= maxBundleBytes) return code;
    throw new WatchpostError(
      `the agent became ${output.length} files, the first of ${code.length} bytes; one of ${maxBundleBytes} is allowed`,
      {
        kind: 'internal',
        code: 'FIRMWARE_BUNDLE_SIZE',
      },
    );
  } finally {
    await bundle.close();
  }
}

async function loadBundler(): Promise<typeof import('rolldown')> {
  try {
    return await import('rolldown');
  } catch (cause) {
    throw new WatchpostError(
      'packages are built in a clone with its development packages, which are missing here — run "npm ci" in a clone and build there',
      { kind: 'unsupported', code: 'FIRMWARE_NO_BUNDLER', cause },
    );
  }
}
