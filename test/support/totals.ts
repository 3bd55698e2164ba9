import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * At the end of a run, prints the tests that were skipped because a program is not installed, and a plain line with the
 * totals, which a program can find in a log.
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

/** The reason from `notInstalled` in the title or skip note of a skipped test. */
function whyNotInstalled(test: TestCase): string | undefined {
  const result = test.result();
  if (result.state !== 'skipped') return undefined;
  return /not installed: [^)]*/.exec(`${test.fullName} ${result.note ?? ''}`)?.[0];
}
