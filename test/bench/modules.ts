/** The benchmarks are plain JavaScript, which the compiler knows no types of. */
export async function load<T>(name: string): Promise<T> {
  const path: string = `../../bench/${name}.js`;
  return (await import(path)) as T;
}
