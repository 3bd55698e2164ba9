import type { RequestHandler } from 'express';
import helmet, { type HelmetOptions } from 'helmet';

/**
 * Helmet's security headers, with a stricter Content-Security-Policy.
 * @param own the application's options. Each replaces our option of that name, and each directive replaces our directive.
 */
export function securityHeaders({ production }: { production: boolean }, own: HelmetOptions = {}): RequestHandler {
  const { contentSecurityPolicy = {}, ...others } = own;
  return helmet({
    xFrameOptions: { action: 'deny' },
    // With Helmet's no-referrer, a browser sends `Origin: null` for our own forms, as it does for a sandboxed page.
    referrerPolicy: { policy: 'same-origin' },
    // In development, this would make browsers request HTTPS from every other server on localhost.
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
              // Development uses plain HTTP, so requests cannot be upgraded.
              upgradeInsecureRequests: production ? [] : null,
              ...contentSecurityPolicy.directives,
            },
          },
    ...others,
  } as HelmetOptions);
}
