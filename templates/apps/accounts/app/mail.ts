import type { Request } from 'express';
import { readVariable } from './settings.ts';

export interface Mail {
  /** Sends a mail with a link to a path of this site, after the response. A failure is logged. */
  send(req: Request, to: string, subject: string, text: string, path: string): void;
  /** Resolves when every pending mail was sent or has failed. */
  sent(): Promise<void>;
}

interface Transport {
  sendMail(message: object): Promise<unknown>;
}

interface Message {
  to: string;
  subject: string;
  text: string;
  /** The path of the link. */
  path: string;
}

type Deliver = (req: Request, message: Message) => Promise<unknown>;

/**
 * Sends mail by SMTP when SMTP_URL is set. That also needs PUBLIC_URL, the URL of this site, and MAIL_FROM.
 * Without SMTP_URL, the link is written to the log.
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

// Sending after the response hides from the client, by its timing, whether a mail was sent.
function afterResponse({ res }: Request): Promise<void> {
  return new Promise((resolve) => {
    if (!res || res.closed) resolve();
    else res.once('close', resolve);
  });
}

// The client controls the Host header. That is acceptable for a link in the log, but not for a link in a mail.
async function logLink(req: Request, { to, subject, path }: Message): Promise<void> {
  req.log.info(`mail to ${to}: ${subject}: ${req.protocol}://${req.get('Host')}${path}`);
}

async function bySmtp(url: string): Promise<Deliver> {
  const site = readRequired('PUBLIC_URL', 'the URL of this site, such as https://shop.example.com');
  const from = readRequired('MAIL_FROM', 'the sender of mails, such as "Shop <mail@shop.example.com>"');
  const transport = await createTransport(url);
  return (_req, { to, subject, text, path }) =>
    transport.sendMail({ from, to, subject, text: `${text}\n\n${new URL(path, site)}\n` });
}

function readRequired(name: string, meaning: string): string {
  const value = readVariable(name);
  if (value === undefined) throw new Error(`SMTP_URL is set, but ${name} is not. Set it to ${meaning}.`);
  return value;
}

async function createTransport(url: string): Promise<Transport> {
  // A variable, so that TypeScript does not require the optional package.
  const name: string = 'nodemailer';
  try {
    const { createTransport } = (await import(name)) as { createTransport(url: string): Transport };
    return createTransport(url);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error('SMTP_URL is set, but the package nodemailer is not installed. Type: sessapp install nodemailer');
  }
}
