const tokenName = 'sessapp-dashboard';

/** A response that is not a success. `code` is undefined when there was no response. */
export class Failure extends Error {
  constructor({ code, message, hint }) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Takes the token of the link out of the address, and exchanges it. A page that was loaded again has its own. */
export async function enter() {
  const token = location.hash.slice(1);
  if (!/^[\w-]{43}$/.test(token)) return;
  history.replaceState(null, '', '/');
  sessionStorage.setItem(tokenName, (await call('POST', 'enter', { body: { token } })).token);
}

/** @param params what the address carries, or `body`: what a POST sends */
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
