import { join } from 'node:path';

export default {
  // Where node_modules is.
  turbopack: { root: join(import.meta.dirname, '..', '..') },
  rewrites: async () => [
    { source: '/login/:name', destination: '/api/login/:name' },
    { source: '/logout', destination: '/api/logout' },
  ],
};
