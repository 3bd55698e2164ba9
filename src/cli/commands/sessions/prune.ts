import { pruneSessions } from '../../admin/end-sessions.ts';
import { withStore } from '../../admin/store.ts';
import { renderCount } from '../../amounts.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'delete expired sessions now; a running server also does so gradually',
  examples: ['sessapp sessions prune myenv'],
  async run({ system, output, environment, name }) {
    const signal = system.catchInterrupts();
    const deleted = await withStore(system, environment, (store) =>
      output.working((step) => {
        step('Deleting expired sessions');
        return pruneSessions(store, system.now(), signal);
      }),
    );
    const text = `Deleted ${renderCount(deleted, 'expired session')} of ${name}.`;
    return { data: { status: 'pruned', deleted }, text };
  },
});
