#!/usr/bin/env node
// In syntax that Node.js 12 reads, so that an old one gets a sentence and not a stack.
import { verifyNode } from './verify-node.js';

if (verifyNode('sessapp')) {
  import('../dist/cli/main.js').then(function run(cli) {
    return cli.main(process.argv.slice(2)).then(function end(exitCode) {
      process.exitCode = exitCode;
    });
  });
}
