import { pruneSessions } from '../../admin/end-sessions.ts';
import { withStore } from '../../admin/store.ts';
import { renderCount } from '../../amounts.ts';
import { type Command, environmentOption, text } from '../../command.ts';
import { findEnvironment, promptOf } from '../../environment/find.ts';

export const command: Command = {
  summary: 'delete what expired sessions left behind; a server does so too, a little at a time',
  options: [environmentOption],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, text(input, 'env'));
    const signal = system.catchInterrupts();
    const deleted = await withStore(system, environment, (store) =>
      output.working((step) => {
        step('Deleting expired sessions');
        return pruneSessions(store, system.now(), signal);
      }),
    );
    const name = output.style.bold(promptOf(environment));
    return {
      data: { status: 'pruned', deleted },
      text: `${renderCount(deleted, 'session')} of ${name} had expired: deleted.`,
    };
  },
};
