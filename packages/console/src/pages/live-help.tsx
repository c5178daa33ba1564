import { Dialog } from '../components/dialog.tsx';
import { useWords } from '../i18n/language.ts';
import type { MessageKey } from '../i18n/messages.ts';

const keys: readonly [readonly string[], MessageKey][] = [
  [['←', '→', '↑', '↓'], 'help.arrows'],
  [['Enter'], 'help.enter'],
  [['Esc'], 'help.escape'],
  [['F'], 'help.fullscreen'],
  [['G'], 'help.grid'],
  [['PgUp', 'PgDn'], 'help.pages'],
  [['/'], 'help.find'],
  [['?'], 'help.help'],
];

/** Which keys do what in the live grid. */
export function LiveHelp({ onClose }: { onClose: () => void }) {
  const { t } = useWords();
  return (
    <Dialog title={t('live.help')} onClose={onClose}>
      <dl className="keys">
        {keys.map(([names, key]) => (
          <div key={key}>
            <dt>
              {names.map((name) => (
                <kbd key={name}>{name}</kbd>
              ))}
            </dt>
            <dd>{t(key)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
