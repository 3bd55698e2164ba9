// Preloaded into npm: kills npm when the sessapp process that started it has ended.
const parent = Number(process.env.SESSAPP_PARENT);

setInterval(() => {
  if (!isAlive(parent)) process.kill(process.pid, 'SIGKILL');
}, 100).unref();

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
