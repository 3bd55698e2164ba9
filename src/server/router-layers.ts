import type { Express } from 'express';

/** What Express keeps of a handler, a route or a router. */
export interface Layer {
  handle: object & { name?: string; stack?: Layer[] };
  route?: { path: unknown; methods: Record<string, boolean>; stack: Layer[] };
  /** Where it is mounted. */
  rawPath?: unknown;
}

export function layersOf({ router }: Express): Layer[] {
  return router.stack as unknown as Layer[];
}
