export const summary = 'look at the sessions of an environment, and end them';
