// Preloaded into npm: ends it when the sessapp that started it is gone.
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
