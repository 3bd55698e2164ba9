import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  verifyAuthenticationResponse,
} from '@simplewebauthn/server';
import type { Express, Request } from 'express';
import type { Accounts } from '../../accounts.ts';
import { countClient } from '../../attempts.ts';
import { type Html, html } from '../../pages/html.ts';
import { leaveNotice } from '../../pages/page.ts';
import { fieldOf, nextOf } from '../../request.ts';
import { logIn } from '../../session.ts';
import type { User } from '../../store/types.ts';
import { siteOf, verifyResponse } from './ceremony.ts';
import { challengeMs, keepChallenge, takeChallenge } from './challenge.ts';
import { passkeyTexts } from './texts.ts';
import type { Passkeys } from './types.ts';

/** Logs a user in with a passkey. The passkey contains the user's id, so the user enters no email address. */
export function loginRoutes(app: Express, accounts: Accounts, passkeys: Passkeys): void {
  app.post('/login/passkey/options', async (req, res) => {
    await countClient(accounts, req, 'passkey');
    const { rpID } = siteOf(req);
    const options = await generateAuthenticationOptions({ rpID, userVerification: 'required', timeout: challengeMs });
    keepChallenge(req, 'log in', options.challenge);
    res.json(options);
  });

  app.post('/login/passkey', async (req, res) => {
    const next = nextOf(fieldOf(req, 'next'));
    const challenge = await takeChallenge(accounts, req, 'log in');
    const user = challenge === undefined ? undefined : await findUser(req, accounts, passkeys, challenge);
    if (user) {
      await logIn(req, user);
      return res.redirect(303, next);
    }
    leaveNotice(req, passkeyTexts(req).refused);
    res.redirect(303, `/login?next=${encodeURIComponent(next)}`);
  });
}

/** The button on the login page. The script shows it if the browser supports passkeys. */
export function renderLogin(req: Request, next: string): Html {
  const { login, failed } = passkeyTexts(req);
  return html`<form method="post" action="/login/passkey" data-options="/login/passkey/options" data-failed="${failed}" hidden>
      <input type="hidden" name="next" value="${next}">
      <input type="hidden" name="response">
      <p><button class="quiet">${login}</button></p>
      <p class="error" role="alert"></p>
    </form>
    <script type="module" src="/passkeys.mjs"></script>`;
}

async function findUser(
  req: Request,
  { users }: Accounts,
  passkeys: Passkeys,
  challenge: string,
): Promise<User | undefined> {
  const { rpID, origin } = siteOf(req);
  const sent = await verifyResponse(req, async (response: AuthenticationResponseJSON) => ({
    response,
    userId: toUserId(response.response.userHandle),
    id: String(response.id),
  }));
  const passkey = sent?.userId && (await passkeys.get(sent.userId, sent.id));
  if (!passkey) return undefined;
  const verified = await verifyResponse(req, (response: AuthenticationResponseJSON) =>
    verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpID,
      requireUserVerification: true,
      credential: {
        id: passkey.id,
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
        counter: passkey.counter,
      },
    }),
  );
  if (!verified?.verified) return undefined;
  const isUsed = await passkeys.use(passkey, verified.authenticationInfo.newCounter, Date.now());
  return isUsed ? users.get(passkey.userId) : undefined;
}

function toUserId(userHandle = ''): string | undefined {
  const userId = Buffer.from(userHandle, 'base64url').toString();
  return /^[0-9a-f-]{36}$/.test(userId) ? userId : undefined;
}
