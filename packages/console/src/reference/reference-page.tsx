import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { request } from '../api/client.ts';
import { TextField } from '../components/field.tsx';
import { EmptyState, FailureNotice, Loading } from '../components/notice.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { useWords } from '../i18n/language.ts';
import { isMessageKey } from '../i18n/translate.ts';
import { type ApiDocument, type Operation, type Route, routeGroups } from './openapi.ts';
import { Prose } from './prose.tsx';
import { schemaText } from './schema-text.ts';
import { TryIt } from './try-it.tsx';

/** Every route of the API: what it takes, what it answers, and a form to ask it. */
export function ReferencePage() {
  const { t } = useWords();
  const [words, setWords] = useState('');
  const query = useQuery({
    queryKey: ['openapi'],
    queryFn: () => request<ApiDocument>('GET', '/openapi.json'),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const api = query.data;
  const groups = api ? routeGroups(api, words) : [];
  return (
    <div className="page reference">
      <header className="page-head">
        <PageTitle>{t('reference.title')}</PageTitle>
        <span className="spacer" />
        <a href="/api/v1/openapi.json">{t('reference.file')}</a>
      </header>
      <p className="muted">{t('reference.lead')}</p>
      <TextField
        label={t('reference.find')}
        type="search"
        name="find"
        value={words}
        onChange={({ target }) => setWords(target.value)}
      />
      {query.isError ? <FailureNotice error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading /> : null}
      {api && groups.length === 0 ? <EmptyState icon="search" title={t('reference.none')} /> : null}
      {api
        ? groups.map((group) => (
            <section key={group.name} className="card">
              <h2>{group.description || group.name}</h2>
              {group.routes.map((route) => (
                <RouteRow key={route.operation.operationId} route={route} api={api} />
              ))}
            </section>
          ))
        : null}
    </div>
  );
}

function RouteRow({ route, api }: { route: Route; api: ApiDocument }) {
  const [open, setOpen] = useState(false);
  const { method, path, operation } = route;
  return (
    <details className="route" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="method" data-method={method}>
          {method}
        </span>
        <code>{path}</code>
        <span className="muted">{operation.summary}</span>
      </summary>
      {open ? <RouteBody route={route} api={api} /> : null}
    </details>
  );
}

function RouteBody({ route, api }: { route: Route; api: ApiDocument }) {
  const { t } = useWords();
  const { operation, method } = route;
  const { schemas } = api.components;
  const bodies = Object.entries(operation.requestBody?.content ?? {});
  const answers = Object.entries(operation.responses).filter(([status]) => status < '400');
  const problems = Object.entries(operation.responses).filter(([status]) => status >= '400');
  return (
    <div className="route-body">
      {operation.description ? (
        <p>
          <Prose text={operation.description} />
        </p>
      ) : null}
      <Needs needs={operation['x-needs']} />
      <Parameters operation={operation} api={api} />
      {bodies.map(([type, { schema = {} }]) => (
        <figure key={type}>
          <figcaption>
            {t('reference.body')} <span className="muted">{type}</span>
          </figcaption>
          <pre>{schemaText(schema, schemas)}</pre>
        </figure>
      ))}
      {answers.map(([status, { content = {} }]) => (
        <figure key={status}>
          <figcaption>
            {t('reference.answer', { status })} <span className="muted">{Object.keys(content).join(', ')}</span>
          </figcaption>
          {Object.values(content).map(({ schema }, index) =>
            // biome-ignore lint/suspicious/noArrayIndexKey: media types of one answer never move
            schema ? <pre key={index}>{schemaText(schema, schemas)}</pre> : null,
          )}
        </figure>
      ))}
      {problems.length > 0 ? (
        <ul className="route-problems muted">
          {problems.map(([status, { description }]) => (
            <li key={status}>
              <b>{status}</b> <Prose text={description} />
            </li>
          ))}
        </ul>
      ) : null}
      {method === 'GET' ? <TryIt path={route.path} parameters={operation.parameters ?? []} /> : null}
    </div>
  );
}

function Needs({ needs }: { needs: Operation['x-needs'] }) {
  const { t } = useWords();
  if (needs === undefined) return null;
  const key = `role.${needs.role}`;
  return (
    <p className="muted">
      {t('reference.needs')} <b>{isMessageKey(key) ? t(key) : t('reference.open')}</b>
    </p>
  );
}

function Parameters({ operation, api }: { operation: Operation; api: ApiDocument }) {
  const { t } = useWords();
  const parameters = operation.parameters ?? [];
  if (parameters.length === 0) return null;
  return (
    <figure>
      <figcaption>{t('reference.parameters')}</figcaption>
      <ul className="parameters">
        {parameters.map((parameter) => (
          <li key={parameter.name}>
            <code>
              {parameter.name}
              {parameter.required ? '' : '?'}
            </code>
            <span className="muted">{schemaText(parameter.schema ?? {}, api.components.schemas)}</span>
            <span>
              <Prose text={parameter.description} />
              {parameter.schema?.default === undefined ? null : (
                <span className="muted"> {t('reference.default', { value: String(parameter.schema.default) })}</span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </figure>
  );
}
