// Starts the session server of this environment. Your own pages go into app.
import { serve } from 'sessapp/server';

await serve(import.meta.dirname, () => import('./app.ts'), {
  // Set options here, for example:
  // headers: { contentSecurityPolicy: { directives: { imgSrc: ["'self'", 'https:'] } } },
  // limits: { idleMs: 8 * 60 * 60 * 1000, ownerKeys: ['userId'] },
  // crossSite: { allow: ['https://app.example.com'], exempt: ['/payment/callback'] },
});
