import {
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type { Express, Request } from 'express';
import type { Accounts } from '../../accounts.ts';
import { browserOf } from '../../browser.ts';
import { type Html, html } from '../../pages/html.ts';
import { leaveNotice, sendPage } from '../../pages/page.ts';
import { fieldOf } from '../../request.ts';
import { requireRecentPassword, requireUser } from '../../session.ts';
import type { User } from '../../store/types.ts';
import { languageOf } from '../../texts.ts';
import { siteOf, verifyResponse } from './ceremony.ts';
import { challengeMs, keepChallenge, takeChallenge } from './challenge.ts';
import { passkeyTexts } from './texts.ts';
import type { Passkey, Passkeys } from './types.ts';

/** The page on which users list, add and remove their passkeys. */
export function accountRoutes(app: Express, accounts: Accounts, passkeys: Passkeys): void {
  const page = '/account/passkeys';

  app.get(page, requireUser, requireRecentPassword, async (req, res) => {
    const list = await passkeys.listOf(userOf(req).id);
    sendPage(req, res, { title: passkeyTexts(req).title, content: renderPasskeys(req, list) });
  });

  app.post(`${page}/options`, requireUser, requireRecentPassword, async (req, res) => {
    const { id, email, name } = userOf(req);
    const { rpID } = siteOf(req);
    const options = await generateRegistrationOptions({
      ...{ rpID, rpName: rpID, userID: new TextEncoder().encode(id), userName: email, userDisplayName: name },
      excludeCredentials: (await passkeys.listOf(id)).map((passkey) => ({ id: passkey.id })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      timeout: challengeMs,
    });
    keepChallenge(req, 'register', options.challenge);
    res.json(options);
  });

  app.post(page, requireUser, requireRecentPassword, async (req, res) => {
    const texts = passkeyTexts(req);
    const user = userOf(req);
    const challenge = await takeChallenge(accounts, req, 'register');
    const passkey = challenge === undefined ? undefined : await verifyNew(req, user, challenge);
    const isCreated = passkey !== undefined && (await passkeys.create(passkey));
    if (isCreated) accounts.mail.send(req, user.email, texts.mailSubject, texts.mail, page);
    leaveNotice(req, isCreated ? texts.added : texts.refused);
    res.redirect(303, page);
  });

  app.post(`${page}/end`, requireUser, requireRecentPassword, async (req, res) => {
    await passkeys.remove(userOf(req).id, fieldOf(req, 'id'));
    leaveNotice(req, passkeyTexts(req).removed);
    res.redirect(303, page);
  });
}

// Call this only after `requireUser`.
function userOf(req: Request): User {
  return req.user as User;
}

async function verifyNew(req: Request, user: User, challenge: string): Promise<Passkey | undefined> {
  const { rpID, origin } = siteOf(req);
  const verified = await verifyResponse(req, (response: RegistrationResponseJSON) =>
    verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpID,
      requireUserVerification: true,
    }),
  );
  if (!verified?.verified) return undefined;
  const { id, publicKey, counter } = verified.registrationInfo.credential;
  const nowMs = Date.now();
  return {
    ...{ id, userId: user.id, publicKey: Buffer.from(publicKey).toString('base64url'), counter },
    ...{ browser: browserOf(req.get('User-Agent')), createdAtMs: nowMs, usedAtMs: nowMs },
  };
}

function renderPasskeys(req: Request, list: Passkey[]): Html {
  const texts = passkeyTexts(req);
  const time = (ms: number) => {
    const date = new Date(ms);
    const text = date.toLocaleDateString(languageOf(req), { year: 'numeric', month: 'short', day: 'numeric' });
    return html`<time datetime="${date.toISOString()}">${text}</time>`;
  };
  const rows = list.map(
    ({ id, browser, createdAtMs, usedAtMs }) => html`<li class="device">
        <h2>${browser || texts.unknown}</h2>
        <dl>
          <dt>${texts.created}</dt><dd>${time(createdAtMs)}</dd>
          <dt>${texts.used}</dt><dd>${time(usedAtMs)}</dd>
        </dl>
        <form method="post" action="/account/passkeys/end">
          <input type="hidden" name="id" value="${id}">
          <button class="quiet" aria-label="${texts.remove}: ${browser}">${texts.remove}</button>
        </form>
      </li>`,
  );
  return html`<p>${texts.text}</p>
    ${rows.length > 0 && html`<ul class="devices">${rows}</ul>`}
    <p data-without-passkeys>${texts.missing}</p>
    <form method="post" action="/account/passkeys" data-options="/account/passkeys/options" data-failed="${texts.failed}" hidden>
      <input type="hidden" name="response">
      <button>${texts.add}</button>
      <p class="error" role="alert"></p>
    </form>
    <script type="module" src="/passkeys.mjs"></script>`;
}
