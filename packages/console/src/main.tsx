import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { ApiProblem } from './api/problem.ts';
import { App } from './app.tsx';
import './theme/tokens.css';
import './theme/base.css';
import './theme/forms.css';
import './theme/shell.css';
import './theme/player.css';
import './theme/stream.css';
import './theme/plots.css';
import './theme/pages.css';
import './theme/gallery.css';
import './theme/health.css';
import './theme/schedule.css';
import './theme/reference.css';
import './theme/access.css';

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The server may be reached where the browser sees no internet.
      networkMode: 'always',
      retry: (count, error) => count < 2 && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500),
      retryDelay: 1000,
      refetchOnWindowFocus: true,
    },
    mutations: { networkMode: 'always' },
  },
});

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={client}>
      <App />
    </QueryClientProvider>,
  );
}
