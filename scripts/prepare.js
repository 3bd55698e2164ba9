// What npm runs after `npm ci` in a clone. In syntax that Node.js 12 reads.
import { verifyNode } from '../bin/verify-node.js';

async function build() {
  await import('./build.js');
}

if (verifyNode('sessapp')) void build();
