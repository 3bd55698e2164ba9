import type { Request } from 'express';
import { readVariable } from './settings.ts';

export interface Mail {
  /** Sends a mail with a link to a path of this site, after the response. A failure is in the log. */
  send(req: Request, to: string, subject: string, text: string, path: string): void;
  /** Resolves when the mails that are being sent are sent, or have failed. */
  sent(): Promise<void>;
}

interface Transport {
  sendMail(message: object): Promise<unknown>;
}

interface Message {
  to: string;
  subject: string;
  text: string;
  /** Of the link. */
  path: string;
}

type Deliver = (req: Request, message: Message) => Promise<unknown>;

/**
 * By SMTP, when SMTP_URL is set: then also PUBLIC_URL, the address of this site, and MAIL_FROM. Until then links are in the log.
 * @throws Error when a setting or the package nodemailer is missing
 */
export async function createMail(): Promise<Mail> {
  const smtpUrl = readVariable('SMTP_URL');
  const deliver = smtpUrl === undefined ? logLink : await bySmtp(smtpUrl);
  const sending = new Set<Promise<unknown>>();
  return {
    send(req, to, subject, text, path) {
      const sent = afterResponse(req)
        .then(() => deliver(req, { to, subject, text, path }))
        .catch((err: unknown) => req.log.error({ err }, 'a mail could not be sent'))
        .finally(() => sending.delete(sent));
      sending.add(sent);
    },

    async sent() {
      await Promise.all(sending);
    },
  };
}

// So that the time of a response does not tell whether there is a mail.
function afterResponse({ res }: Request): Promise<void> {
  return new Promise((resolve) => {
    if (!res || res.closed) resolve();
    else res.once('close', resolve);
  });
}

// The Host header is the client's to choose: it is good enough for a link in the log, not for one in a mail.
async function logLink(req: Request, { to, subject, path }: Message): Promise<void> {
  req.log.info(`mail to ${to}: ${subject}: ${req.protocol}://${req.get('Host')}${path}`);
}

async function bySmtp(url: string): Promise<Deliver> {
  const site = readRequired('PUBLIC_URL', 'the address of this site, such as https://shop.example.com');
  const from = readRequired('MAIL_FROM', 'the sender of mails, such as "Shop <mail@shop.example.com>"');
  const transport = await createTransport(url);
  return (_req, { to, subject, text, path }) =>
    transport.sendMail({ from, to, subject, text: `${text}\n\n${new URL(path, site)}\n` });
}

function readRequired(name: string, meaning: string): string {
  const value = readVariable(name);
  if (value === undefined) throw new Error(`SMTP_URL is set, but ${name} is not: set it to ${meaning}.`);
  return value;
}

async function createTransport(url: string): Promise<Transport> {
  // Only where mails are sent it has to be installed.
  const name: string = 'nodemailer';
  try {
    const { createTransport } = (await import(name)) as { createTransport(url: string): Transport };
    return createTransport(url);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error('SMTP_URL is set, but the package nodemailer is not installed. Type: sessapp install nodemailer');
  }
}
