// `require('sessapp/session')` gives the function itself, as that of express-session does. Declarations of index.ts are read by
// TypeScript before 5.6 too, which has no such name.
export * from './index.ts';
export { session as default, session as 'module.exports' } from './index.ts';
