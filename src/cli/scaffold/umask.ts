/**
 * Does work whose files and folders nobody but their owner may write to, whatever this process was started with. That
 * counts for npm too: who can change what is installed runs code in the server.
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
