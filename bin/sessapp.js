#!/usr/bin/env node
// In syntax that Node.js 12 reads, so that an old one gets a sentence and not a stack.
import { verifyNode } from './verify-node.js';

// How long what a command left open may keep the process, such as the connection to a store that does not answer.
const lingerMs = 2000;

async function run() {
  // A command that never comes to its end, and leaves Node.js nothing to wait for, has not worked.
  process.exitCode = 70;
  const cli = await import('../dist/cli/main.js');
  const exitCode = await cli.main(process.argv.slice(2));
  process.exitCode = exitCode;
  setTimeout(process.exit, lingerMs, exitCode).unref();
}

if (verifyNode('sessapp')) void run();
