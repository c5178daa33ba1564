import { fileURLToPath } from 'node:url';
import { WatchpostError } from '@watchpost/base/errors.ts';
import type { InputOptions, Plugin } from 'rolldown';
import { packParts } from './packed-part.ts';

/** Largest size of the agent's one file: it has to fit the flash of small devices. */
export const maxBundleBytes = 200_000;

/**
 * The agent as one file of JavaScript that needs nothing but the runtime's own modules; what few agents need is packed in
 * it. The same sources give the same bytes. Throws `unsupported` (`FIRMWARE_NO_BUNDLER`) in an installation without
 * development packages.
 */
export async function bundleAgent(): Promise<Uint8Array> {
  const entry = fileURLToPath(new URL('../main.ts', import.meta.url));
  const code = Buffer.from(`${await bundleModule(entry, [runtimeHashes, packParts(bundleModule)])}\n`);
  if (code.length <= maxBundleBytes) return code;
  throw bundleError(`the agent became ${code.length} bytes; ${maxBundleBytes} are allowed`, 'FIRMWARE_BUNDLE_SIZE');
}

/**
 * Hashes that the runtime has itself, in place of our own, which are for where there is no `node:crypto`. Our MD5 stays:
 * a runtime that keeps to FIPS 140 refuses it, and most cameras ask for it.
 */
export const runtimeHashes: Plugin = {
  name: 'runtime-hashes',
  load: (id) => {
    const name = /\/base\/src\/hash\/(sha1|sha256)\.ts$/.exec(id)?.[1];
    return (
      name &&
      `import{createHash}from"node:crypto";export const ${name}=(bytes)=>createHash("${name}").update(bytes).digest();`
    );
  },
};

/** A module and all that it imports as one module, minified. */
async function bundleModule(entry: string, plugins: InputOptions['plugins']): Promise<string> {
  const { rolldown } = await loadBundler();
  const bundle = await rolldown({
    input: entry,
    plugins,
    platform: 'node',
    external: [/^node:/],
    transform: { target: 'node20' },
    // Nothing works at import, so what nobody uses can go.
    treeshake: { moduleSideEffects: (id) => id === entry },
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
    if (output.length === 1) return output[0].code;
    throw bundleError(`${entry} became ${output.length} files; one is allowed`, 'FIRMWARE_BUNDLE_FILES');
  } finally {
    await bundle.close();
  }
}

function bundleError(message: string, code: string): WatchpostError {
  return new WatchpostError(message, { kind: 'internal', code });
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
