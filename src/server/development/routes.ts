import { METHODS } from 'node:http';
import type { Express } from 'express';
import { type Layer, layersOf } from '../router-layers.ts';

export interface Route {
  /** In capitals, such as `GET`; `ALL` for every method. */
  method: string;
  path: string;
}

/** The routes of an application and its routers, in order. It does not include the routes of a mounted application. */
export function listRoutes(app: Express): Route[] {
  return routesIn(layersOf(app), '');
}

function routesIn(layers: Layer[], mount: string): Route[] {
  return layers.flatMap(({ handle, route, rawPath }) => {
    const paths = pathsOf(route?.path ?? rawPath).map((path) => join(mount, path));
    if (route) return methodsOf(route.methods).flatMap((method) => paths.map((path) => ({ method, path })));
    return paths.flatMap((path) => routesIn(handle.stack ?? [], path));
  });
}

// `app.all` adds every method that Node.js knows to the route.
function methodsOf(methods: Record<string, boolean>): string[] {
  const names = Object.keys(methods).map((method) => method.toUpperCase());
  return methods._all || names.length >= METHODS.length ? ['ALL'] : names;
}

// A path can be a string, a regular expression, or an array of them.
function pathsOf(path: unknown): unknown[] {
  return [path ?? '/'].flat(Infinity);
}

function join(mount: string, path: unknown): string {
  if (path instanceof RegExp) return `${mount} ${path}`.trimStart();
  return `${mount}${path}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}
