import { useQuery } from '@tanstack/react-query';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FailureNotice, Loading } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { logLines, runCommand } from './agent-command.ts';
import type { Agent } from './agent-queries.ts';

/** As many lines as are read at once. */
const lines = 200;

/** What an agent wrote last into its log, the newest line last. */
export function LogDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const { t } = useWords();
  const query = useQuery({
    queryKey: ['agent-log', agent.id],
    queryFn: async () => logLines(await runCommand(agent.id, 'log_tail', { lines })),
    gcTime: 0,
  });
  return (
    <Dialog title={t('agents.log_title', { name: agent.id })} isWide onClose={onClose}>
      {query.isError ? <FailureNotice error={query.error} /> : null}
      {query.isPending ? <Loading /> : null}
      {query.data?.length === 0 ? <p className="muted">{t('agents.log_empty')}</p> : null}
      {query.data && query.data.length > 0 ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <pre className="log" tabIndex={0} ref={(element) => element?.scrollTo(0, element.scrollHeight)}>
          {query.data.join('\n')}
        </pre>
      ) : null}
      <div className="dialog-actions">
        <Button busy={query.isFetching} onClick={() => void query.refetch()}>
          {t('agents.log_again')}
        </Button>
        <Button tone="primary" onClick={onClose}>
          {t('action.close')}
        </Button>
      </div>
    </Dialog>
  );
}
