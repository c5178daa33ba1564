/** Where TOML text opens a bracket that is not closed before `end`: its offset, and what closes it. */
export function openBracket(text: string, end: number): { offset: number; close: string } | undefined {
  const open: number[] = [];
  for (let at = 0; at < end; at++) {
    const character = text[at]!;
    if (character === '#') {
      const newline = text.indexOf('\n', at);
      at = newline < 0 ? end : newline;
    } else if (character === '"' || character === "'") at = endOfString(text, at) - 1;
    else if (character === '[' || character === '{') open.push(at);
    else if (character === ']' || character === '}') open.pop();
  }
  const offset = open.at(-1);
  return offset === undefined ? undefined : { offset, close: text[offset] === '[' ? ']' : '}' };
}

function endOfString(text: string, start: number): number {
  const quote = text[start]!;
  const fence = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  let at = start + fence.length;
  while (at < text.length && !text.startsWith(fence, at)) at += quote === '"' && text[at] === '\\' ? 2 : 1;
  return at + fence.length;
}
