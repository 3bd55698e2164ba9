/**
 * Runs `work` with a umask that lets only the owner write to new files and folders, including those that npm creates. A user
 * who can change installed packages can run code in the server.
 */
export async function withRestrictiveUmask<T>(work: () => Promise<T>): Promise<T> {
  const before = process.umask(0o022);
  process.umask(before | 0o022);
  try {
    return await work();
  } finally {
    process.umask(before);
  }
}
