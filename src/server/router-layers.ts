import type { Express } from 'express';

/** Express's internal object for a handler, a route or a router. */
export interface Layer {
  handle: object & { name?: string; stack?: Layer[] };
  route?: { path: unknown; methods: Record<string, boolean>; stack: Layer[] };
  /** The path at which it is mounted. */
  rawPath?: unknown;
}

export function layersOf({ router }: Express): Layer[] {
  return router.stack as unknown as Layer[];
}
