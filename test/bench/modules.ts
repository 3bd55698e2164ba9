/** The benchmarks are plain JavaScript, so the compiler does not know their types. */
export async function load<T>(name: string): Promise<T> {
  const path: string = `../../bench/${name}.js`;
  return (await import(path)) as T;
}
