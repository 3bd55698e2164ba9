#!/usr/bin/env node
import { main } from '../dist/cli.js';
import { createSystem } from '../dist/system.js';

process.exitCode = await main(process.argv.slice(2), createSystem());
