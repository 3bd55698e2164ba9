export const summary = 'look after the snapshots of installed dependencies';
