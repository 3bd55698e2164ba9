const tokenName = 'sessapp-dashboard';

/** The error of an API call. `code` is undefined when there was no response. */
export class Failure extends Error {
  constructor({ code, message, hint }) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Removes the link's token from the address and exchanges it for the page's token. A reloaded page has its token already. */
export async function enter() {
  const token = location.hash.slice(1);
  if (!/^[\w-]{43}$/.test(token)) return;
  history.replaceState(null, '', '/');
  sessionStorage.setItem(tokenName, (await call('POST', 'enter', { body: { token } })).token);
}

/** @param params the query of the URL; `body` is the JSON body of a POST */
export async function call(method, path, { params = {}, body, signal } = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(tokenName)}` };
  const query = new URLSearchParams(params);
  const request = { method, headers, signal, ...(body && { body: JSON.stringify(body) }) };
  let response;
  try {
    response = await fetch(`/api/${path}?${query}`, request);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure({ message: '' });
  }
  const result = await response.json();
  if (!response.ok) throw new Failure(result.error);
  return result;
}
