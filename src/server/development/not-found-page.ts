import { escapeHtml, renderPage } from './html.ts';
import type { Route } from './routes.ts';

/** Renders a 404 as a page for the developer. */
export function renderNotFoundPage(message: string, routes: Route[]): string {
  return renderPage(
    message,
    `<p>404 Not Found</p>
<h1>${escapeHtml(message)}</h1>
${routes.length === 0 ? '<p>The application has no routes.</p>' : renderRoutes(routes)}
<footer>You see this page only in development. With <code>NODE_ENV=production</code> a client gets only the message.</footer>`,
  );
}

function renderRoutes(routes: Route[]): string {
  const rows = routes.map(({ method, path }) => `<tr><td>${method}</td><td>${renderPath(method, path)}</td></tr>`);
  return `<table>
<caption>The routes of the application</caption>
<thead><tr><th scope="col">Method</th><th scope="col">Path</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`;
}

// Links only to paths without parameters.
function renderPath(method: string, path: string): string {
  const text = `<code>${escapeHtml(path)}</code>`;
  const isAddress = ['GET', 'ALL'].includes(method) && /^\/[\w\-./~]*$/.test(path);
  return isAddress ? `<a href="${escapeHtml(path)}">${text}</a>` : text;
}
