// npm runs this script after `npm ci` in a clone. It uses only syntax that Node.js 12 can parse.
import { verifyNode } from '../bin/verify-node.js';

async function build() {
  await import('./build.js');
}

if (verifyNode('sessapp')) void build();
