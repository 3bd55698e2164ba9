import { check as checkProperty, defaultReportMessage, type IAsyncProperty } from 'fast-check';

/** Another one each time; a failure says which one it was, and FUZZ_SEED makes it the same again. */
export const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Tries a property with as many cases. The error has the smallest case that fails, and how to see it again. */
export async function check<T>(property: IAsyncProperty<T>, cases: number): Promise<void> {
  const result = await checkProperty(property, { seed, numRuns: cases });
  if (result.failed) throw new Error(`FUZZ_SEED=${seed}\n${defaultReportMessage(result)}`);
}
