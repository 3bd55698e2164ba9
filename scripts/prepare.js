// What npm runs after `npm ci` in a clone. In syntax that Node.js 12 reads.
import { verifyNode } from '../bin/verify-node.js';

if (verifyNode('sessapp')) {
  import('./build.js');
}
