import type { Check } from './check.ts';
import { application } from './checks/application.ts';
import { carried } from './checks/carried.ts';
import { cookie } from './checks/cookie.ts';
import { data } from './checks/data.ts';
import { dependencies } from './checks/dependencies.ts';
import { diskSpace } from './checks/disk-space.ts';
import { envFile } from './checks/env-file.ts';
import { fileSystem } from './checks/file-system.ts';
import { folders } from './checks/folders.ts';
import { generatedFiles } from './checks/generated-files.ts';
import { git } from './checks/git.ts';
import { installScripts } from './checks/install-scripts.ts';
import { leftovers } from './checks/leftovers.ts';
import { marker } from './checks/marker.ts';
import { node } from './checks/node.ts';
import { nodePath } from './checks/node-path.ts';
import { packages } from './checks/packages.ts';
import { port } from './checks/port.ts';
import { secrets } from './checks/secrets.ts';
import { server } from './checks/server.ts';
import { settings } from './checks/settings.ts';
import { site } from './checks/site.ts';
import { store } from './checks/store.ts';

/** In the order in which they run. `store` comes after `data`, because the store corrects its file modes. */
export const checks: Check[] = [
  marker,
  leftovers,
  node,
  dependencies,
  packages,
  installScripts,
  carried,
  nodePath,
  generatedFiles,
  folders,
  envFile,
  secrets,
  git,
  settings,
  cookie,
  site,
  application,
  port,
  data,
  fileSystem,
  diskSpace,
  store,
  server,
];
