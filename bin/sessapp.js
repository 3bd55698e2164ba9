#!/usr/bin/env node
// This file uses only syntax that Node.js 12 can parse, so that an old Node.js prints a message and not a stack.
import { verifyNode } from './verify-node.js';

// How long an open resource, such as a connection to a store that does not respond, may keep the process running after a command.
const lingerMs = 2000;

async function run() {
  // Node.js exits with this code if nothing keeps it running before the command has finished.
  process.exitCode = 70;
  const cli = await import('../dist/cli/main.js');
  const exitCode = await cli.main(process.argv.slice(2));
  process.exitCode = exitCode;
  setTimeout(process.exit, lingerMs, exitCode).unref();
}

if (verifyNode('sessapp')) void run();
