import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Ends a run with what was skipped because a program is not installed, and with one plain line of totals, which is easy
 * to find for a program that reads a log.
 */
export default class Totals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const reasons = tests.map(whyNotInstalled).filter((reason) => reason !== undefined);
    for (const reason of new Set(reasons)) {
      console.log(`${reasons.filter((other) => other === reason).length} skipped, ${reason}`);
    }
    console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  }
}

/** What `notInstalled` says in the title of a skipped test, or in the note with which it was skipped. */
function whyNotInstalled(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state !== 'skipped') return undefined;
  return /not installed: [^)]*/.exec(`${test.fullName} ${result.note ?? ''}`)?.[0];
}
