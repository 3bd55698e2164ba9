// Opens the embedded store in a process of its own and closes it. Arguments: the module of the driver, the directory.
const [, , module = '', directory = ''] = process.argv;
const { open } = (await import(module)) as typeof import('../../stores/embedded/driver.ts');
await (await open(directory)).close();
