// Loads this page again when the server has restarted since it made the page.
{
  const madeBy = new URL(document.currentScript.src).search;
  let source;

  // A hidden page keeps no connection: browsers have only six for each server.
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
