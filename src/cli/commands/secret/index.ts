export const summary = 'look at the secrets that sign an environment’s sessions, and rotate them';
