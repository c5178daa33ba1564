import { useQuery } from '@tanstack/react-query';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { FailureNotice, Loading } from '../components/notice.tsx';
import { useWords } from '../i18n/language.ts';
import { runCommand } from './agent-command.ts';
import type { Agent, FoundCamera } from './agent-queries.ts';

/** A picture that the camera took just now, asked for through its agent. */
export function PictureDialog(props: { agent: Agent; camera: FoundCamera; onClose: () => void }) {
  const { t } = useWords();
  const { agent, camera } = props;
  const query = useQuery({
    queryKey: ['agent-picture', agent.id, camera.id],
    queryFn: async () => (await runCommand(agent.id, 'snapshot', { camera: camera.id })).attachment ?? null,
    gcTime: 0,
    retry: false,
  });
  const picture = query.data;
  return (
    <Dialog title={t('agents.picture_title', { name: camera.id })} isWide onClose={props.onClose}>
      {query.isError ? <FailureNotice error={query.error} /> : null}
      {query.isPending ? <Loading /> : null}
      {picture ? (
        <img
          className="agent-picture"
          src={`data:image/jpeg;base64,${picture.base64}`}
          alt={t('agents.picture_title', { name: camera.id })}
        />
      ) : null}
      <div className="dialog-actions">
        <Button busy={query.isFetching} onClick={() => void query.refetch()}>
          {t('agents.picture_again')}
        </Button>
        <Button tone="primary" onClick={props.onClose}>
          {t('action.close')}
        </Button>
      </div>
    </Dialog>
  );
}
