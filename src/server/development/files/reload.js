// Reloads this page when the server has restarted since it rendered the page.
{
  const madeBy = new URL(document.currentScript.src).search;
  let source;

  // A hidden page closes its connection, because a browser opens only six to each server.
  const connect = () => {
    source?.close();
    if (document.visibilityState === 'hidden') return;
    source = new EventSource('/_sessapp/reload');
    source.onmessage = ({ data }) => {
      if (data !== madeBy) location.reload();
    };
  };

  document.addEventListener('visibilitychange', connect);
  connect();
}
