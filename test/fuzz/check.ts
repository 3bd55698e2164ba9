import { check as checkProperty, defaultReportMessage, type IAsyncProperty } from 'fast-check';

/** The random seed of this run. A failure prints it, and FUZZ_SEED repeats it. */
export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Tests a property with this many random cases. The error shows the smallest failing case, and how to repeat it. */
export async function check<T>(property: IAsyncProperty<T>, cases: number): Promise<void> {
  const result = await checkProperty(property, { seed, numRuns: cases });
  if (result.failed) throw new Error(`FUZZ_SEED=${seed}\n${defaultReportMessage(result)}`);
}
