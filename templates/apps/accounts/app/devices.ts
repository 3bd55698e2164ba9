import type { Express, Request } from 'express';
import { type Html, html } from './pages/html.ts';
import { leaveNotice, sendPage } from './pages/page.ts';
import { fieldOf } from './request.ts';
import { regenerate, requireRecentPassword, requireUser } from './session.ts';
import { languageOf, textsFor } from './texts.ts';

interface Device {
  ref: string;
  browser: string;
  since: Date;
  seen: Date;
  isCurrent: boolean;
}

// The server does not know the browser's time zone, so it shows its own, with its name.
const timeFormat: Intl.DateTimeFormatOptions = {
  ...{ year: 'numeric', month: 'short', day: 'numeric' },
  ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZoneName: 'short' },
};

/** Shows on which devices a user is logged in, and ends sessions on request. */
export function devicesRoutes(app: Express): void {
  app.get('/account/sessions', requireUser, requireRecentPassword, async (req, res) => {
    const { title } = textsFor(req).devices;
    sendPage(req, res, { title, content: renderDevices(req, await listDevices(req)) });
  });

  app.post('/account/sessions/end', requireUser, requireRecentPassword, async (req, res) => {
    const { devices } = textsFor(req);
    const ref = fieldOf(req, 'ref');
    if (ref === 'all' || ref === currentRef(req)) {
      if (ref === 'all') await req.sessionStore.endSessionsOf(userIdOf(req));
      await regenerate(req);
      if (ref === 'all') leaveNotice(req, devices.endedAll);
      return res.redirect(303, '/login');
    }
    const isSelected = (session: { ref: string }) => session.ref === ref;
    const ended =
      ref === 'others'
        ? await req.session.endOthers()
        : await req.sessionStore.endSessionsOf(userIdOf(req), isSelected);
    leaveNotice(req, devices.ended(ended));
    res.redirect(303, '/account/sessions');
  });
}

async function listDevices(req: Request): Promise<Device[]> {
  const current = currentRef(req);
  const sessions = await req.sessionStore.sessionsOf(userIdOf(req));
  return sessions
    .filter(({ ref, data }) => ref === current || data.passwordVersion === req.user?.passwordVersion)
    .map(({ ref, createdAt, seenAt, data: { browser = '', loggedInAtMs } }) => ({
      ...{ ref, browser, since: new Date(loggedInAtMs ?? createdAt), seen: seenAt, isCurrent: ref === current },
    }))
    .sort((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || Number(b.seen) - Number(a.seen));
}

function currentRef(req: Request): string {
  return req.sessionStore.refOf(req.sessionID);
}

function userIdOf(req: Request): string {
  return req.user?.id ?? '';
}

function renderDevices(req: Request, list: Device[]): Html {
  const { devices } = textsFor(req);
  const time = (date: Date) =>
    html`<time datetime="${date.toISOString()}">${date.toLocaleString(languageOf(req), timeFormat)}</time>`;
  const rows = list.map(
    ({ ref, browser, since, seen, isCurrent }) => html`<li class="device">
        <h2>${browser || devices.unknown}${isCurrent && html` <strong class="here">${devices.here}</strong>`}</h2>
        <dl>
          <dt>${devices.since}</dt><dd>${time(since)}</dd>
          <dt>${devices.seen}</dt><dd>${isCurrent ? devices.now : time(seen)}</dd>
        </dl>
        ${endForm(ref, devices.end, browser)}
      </li>`,
  );
  return html`<ul class="devices">${rows}</ul>
    <div class="actions">
      ${list.length > 1 && endForm('others', devices.endOthers)}
      ${endForm('all', devices.endAll)}
    </div>`;
}

function endForm(ref: string, text: string, of?: string): Html {
  return html`<form method="post" action="/account/sessions/end">
          <input type="hidden" name="ref" value="${ref}">
          <button class="quiet"${of && html` aria-label="${text}: ${of}"`}>${text}</button>
        </form>`;
}
