// Apart from server, so that a process that only looks after workers does not run the application's code.
export { routes } from '../app.ts';
