import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A library to which fewer symbols are bound is found soon enough wherever it stands. */
const leastSymbols = 100;

/**
 * Libraries of a program, those first to which most of its symbols are bound: as `LD_PRELOAD` (ld.so(8)) they are asked for
 * a symbol in this order, before all others. Debian's FFmpeg has 44 000 symbols to bind to 206 libraries before it begins,
 * two thirds of what a small picture costs; asked in the order in which they depend on each other, most are asked in vain.
 *
 * `args` make the program end at once. Empty where no linker tells (`LD_DEBUG=bindings`), as of a program without libraries
 * or with another libc. Never rejects.
 */
export async function librariesInOrder(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const env = { ...process.env, LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: undefined };
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env, signal, killSignal: 'SIGKILL' });
  const ended = new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
  const symbols = new Map<string, number>();
  for await (const line of createInterface({ input: child.stderr })) {
    const library = boundTo(line);
    if (library !== undefined) symbols.set(library, (symbols.get(library) ?? 0) + 1);
  }
  return (await ended) ? inOrder(symbols) : [];
}

/**
 * The library that has the symbol of a line such as
 * "4711:	binding file /usr/bin/x [0] to /lib/libc.so.6 [0]: normal symbol `read' [GLIBC_2.2.5]".
 * Not the linker itself, and none that `LD_PRELOAD` cannot name.
 */
function boundTo(line: string): string | undefined {
  const path = /^\s*\d+:\tbinding file .* to (\/[^\s:]+) \[\d+\]: /.exec(line)?.[1];
  return path !== undefined && /\/(?!ld-)[^/]+\.so[^/]*$/.test(path) ? path : undefined;
}

function inOrder(symbols: ReadonlyMap<string, number>): string[] {
  const enough = [...symbols].filter(([, count]) => count >= leastSymbols);
  return enough.sort(([, a], [, b]) => b - a).map(([library]) => library);
}
