#!/usr/bin/env node
// In syntax that Node.js 12 reads, so that an old one gets a sentence and not a stack.
import { verifyNode } from './verify-node.js';

// How long what a command left open may keep the process, such as the connection to a store that does not answer.
const lingerMs = 2000;

if (verifyNode('sessapp')) {
  // A command that never comes to its end, and leaves Node.js nothing to wait for, has not worked.
  process.exitCode = 70;
  import('../dist/cli/main.js').then(function run(cli) {
    return cli.main(process.argv.slice(2)).then(function end(exitCode) {
      process.exitCode = exitCode;
      setTimeout(process.exit, lingerMs, exitCode).unref();
    });
  });
}
