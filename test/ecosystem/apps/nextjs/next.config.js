import { join } from 'node:path';

export default {
  // The directory that contains node_modules.
  turbopack: { root: join(import.meta.dirname, '..', '..') },
  rewrites: async () => [
    { source: '/login/:name', destination: '/api/login/:name' },
    { source: '/logout', destination: '/api/logout' },
  ],
};
