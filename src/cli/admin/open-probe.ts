// A program that opens the embedded store and closes it. Arguments: the path of the driver's module, the directory.
const [, , module = '', directory = ''] = process.argv;
const { open } = (await import(module)) as typeof import('../../stores/embedded/driver.ts');
await (await open(directory)).close();
