// `require('sessapp/session')` returns the function itself, as `require('express-session')` does. This export is in its own file
// because TypeScript before 5.6 also reads the declarations of index.ts, and it does not support an export of this name.
export * from './index.ts';
export { session as default, session as 'module.exports' } from './index.ts';
