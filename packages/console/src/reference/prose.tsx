/** A description: what stands between back-ticks is code, as in Markdown. */
export function Prose({ text = '' }: { text?: string | undefined }) {
  return text.split('`').map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text never move
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  );
}
