import type { RequestHandler } from 'express';
import helmet, { type HelmetOptions } from 'helmet';

/**
 * Helmet's security headers, with a stricter policy for what a page may load.
 * @param own the application's: each of Helmet's options that it names replaces ours, and each directive of the policy
 */
export function securityHeaders({ production }: { production: boolean }, own: HelmetOptions = {}): RequestHandler {
  const { contentSecurityPolicy = {}, ...others } = own;
  return helmet({
    xFrameOptions: { action: 'deny' },
    // With Helmet's no-referrer a browser says `Origin: null` of a form of our own, as of a page that it keeps apart.
    referrerPolicy: { policy: 'same-origin' },
    // A browser that once saw this on localhost would ask every other server there for HTTPS.
    strictTransportSecurity: production,
    contentSecurityPolicy:
      typeof contentSecurityPolicy === 'boolean'
        ? contentSecurityPolicy
        : {
            ...contentSecurityPolicy,
            directives: {
              baseUri: ["'none'"],
              frameAncestors: ["'none'"],
              objectSrc: ["'none'"],
              // Over plain HTTP in development there is nothing to upgrade to.
              upgradeInsecureRequests: production ? [] : null,
              ...contentSecurityPolicy.directives,
            },
          },
    ...others,
  } as HelmetOptions);
}
