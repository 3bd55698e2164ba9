export const summary = 'look after the store of an environment';
