import type { Express, Request } from 'express';
import type { Problem } from '../problem.ts';
import { describeThrown, renderErrorPage } from './error-page.ts';
import { renderNotFoundPage } from './not-found-page.ts';
import { listRoutes } from './routes.ts';

/** Adds the application's routes to a 404. */
export function detailNotFound(problem: Problem, app: Express): Problem {
  const routes = listRoutes(app);
  const rows = routes.map(({ method, path }) => `  ${method.padEnd(6)} ${path}\n`);
  return {
    ...problem,
    text: `${problem.text}\nThe routes of the application:\n${rows.join('') || '  none\n'}`,
    json: { ...problem.json, routes: routes.map(({ method, path }) => `${method} ${path}`) },
    page: renderNotFoundPage(problem.json.message, routes),
  };
}

/** Adds the error and its stack. @param directory the environment's, absolute */
export async function detailError(problem: Problem, error: unknown, req: Request, directory: string): Promise<Problem> {
  const stack = (error instanceof Error && error.stack) || describeThrown(error);
  return {
    ...problem,
    text: `${problem.text}\n${stack}\n`,
    json: { ...problem.json, stack },
    page: await renderErrorPage({ error, status: `${problem.status} ${problem.json.message}`, req, directory }),
  };
}
