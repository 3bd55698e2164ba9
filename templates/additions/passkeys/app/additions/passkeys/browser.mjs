// Runs in the browser: asks the authenticator for a passkey, and submits its response as a form.

const hasPasskeys = typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function';

if (hasPasskeys) {
  for (const text of document.querySelectorAll('[data-without-passkeys]')) text.hidden = true;
  for (const form of document.querySelectorAll('form[data-options]')) {
    form.hidden = false;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void send(form);
    });
  }
}

async function send(form) {
  const button = form.querySelector('button');
  const message = form.querySelector('[role=alert]');
  button.disabled = true;
  message.textContent = '';
  try {
    const response = await fetch(form.dataset.options, { method: 'POST' });
    // The session has ended, or the server asks for the password again. Reloading the page redirects to that page.
    if (response.redirected) return location.reload();
    if (!response.ok) throw new Error(`the server responded with ${response.status}`);
    form.elements.response.value = JSON.stringify(await ask(await response.json()));
    form.submit();
  } catch {
    // The user has cancelled, or the authenticator has no passkey for this site.
    message.textContent = form.dataset.failed;
    button.disabled = false;
  }
}

function ask(options) {
  const { PublicKeyCredential: json } = globalThis;
  return options.user
    ? navigator.credentials.create({ publicKey: json.parseCreationOptionsFromJSON(options) })
    : navigator.credentials.get({ publicKey: json.parseRequestOptionsFromJSON(options) });
}
