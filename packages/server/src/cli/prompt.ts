import { createInterface } from 'node:readline';
import { usageError } from './command.ts';

/**
 * A password, never from the command line, where other users of the machine could read it: asked twice without echo on
 * a terminal, else the first line of standard input.
 */
export async function askPassword(): Promise<string> {
  if (process.stdin.isTTY !== true) return firstLine();
  const password = await askHidden('Password: ');
  if ((await askHidden('Again: ')) !== password) throw usageError('the two passwords differ — nothing was changed');
  return password;
}

async function firstLine(): Promise<string> {
  for await (const line of createInterface({ input: process.stdin })) return line;
  throw usageError('no password came — type it on a terminal, or send it: echo … | watchpost user add NAME');
}

function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (settle: () => void) => {
      stdin.off('data', onData);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      settle();
    };
    const onData = (text: string) => {
      for (const key of text) {
        if (key === '\r' || key === '\n') return finish(() => resolve(typed));
        if (key === '\x03' || key === '\x04') return finish(() => reject(usageError('nothing was changed')));
        typed = key === '\x7f' || key === '\b' ? typed.slice(0, -1) : typed + key;
      }
      return undefined;
    };
    stdin.on('data', onData);
  });
}
