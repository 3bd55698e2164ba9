// npm runs this script after `npm ci` in a clone, and again when `npx sessapp` runs there for the first time: then there is nothing
// to build. It uses only syntax that Node.js 12 can parse.
import { verifyNode } from '../bin/verify-node.js';

async function build() {
  const { isBuilt } = await import('./is-built.js');
  if (!isBuilt(process.cwd())) await import('./build.js');
}

if (verifyNode('sessapp')) void build();
