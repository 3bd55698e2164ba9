// An OpenID provider with one user, ann, who is already logged in: it redirects each browser back immediately.
import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import express from 'express';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuer = process.env.URL;
const requests = new Map();

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function signIdToken({ client_id: aud, nonce }) {
  const nowS = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, sub: 'ann', aud, nonce, iat: nowS, exp: nowS + 60 };
  const content = `${encode({ alg: 'RS256', kid: 'only' })}.${encode(claims)}`;
  return `${content}.${createSign('RSA-SHA256').update(content).sign(privateKey, 'base64url')}`;
}

const app = express();
app.use(express.urlencoded());

app.get('/.well-known/openid-configuration', (_, res) =>
  res.json({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    response_types_supported: ['code', 'id_token'],
    response_modes_supported: ['query', 'form_post'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
  }),
);
app.get('/keys', (_, res) =>
  res.json({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'only', use: 'sig', alg: 'RS256' }] }),
);
app.get('/authorize', ({ query }, res) => {
  if (query.response_mode === 'form_post') {
    const inputs = Object.entries({ state: query.state, id_token: signIdToken(query) });
    const fields = inputs.map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`);
    return res.send(`<form method="post" action="${query.redirect_uri}">${fields.join('')}</form>`);
  }
  const code = randomUUID();
  requests.set(code, query);
  res.redirect(`${query.redirect_uri}?${new URLSearchParams({ code, state: query.state })}`);
});
app.post('/token', ({ body }, res) => {
  const asked = requests.get(body.code);
  requests.delete(body.code);
  const challenge = createHash('sha256')
    .update(body.code_verifier ?? '')
    .digest('base64url');
  if (!asked || asked.redirect_uri !== body.redirect_uri || (asked.code_challenge ?? challenge) !== challenge)
    return res.status(400).json({ error: 'invalid_grant' });
  res.json({ access_token: randomUUID(), token_type: 'Bearer', expires_in: 60, id_token: signIdToken(asked) });
});

export default app;
