#!/usr/bin/env node
// In syntax that Node.js 12 reads, so that an old one gets a sentence and not a stack.
import { verifyNode } from './verify-node.js';

async function run() {
  const cli = await import('../dist/cli/main.js');
  process.exitCode = await cli.main(process.argv.slice(2));
}

if (verifyNode('sessapp')) void run();
