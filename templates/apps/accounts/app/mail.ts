import type { Request } from 'express';
import { readVariable } from './settings.ts';

export interface Mail {
  /** Sends a mail with a link to a path of this site. Nobody waits for it; a failure is in the log. */
  send(req: Request, to: string, subject: string, text: string, path: string): void;
  /** Resolves when the mails that are being sent are sent, or have failed. */
  sent(): Promise<void>;
}

interface Transport {
  sendMail(message: object): Promise<unknown>;
}

/**
 * By SMTP, when SMTP_URL is set: then also PUBLIC_URL, the address of this site, and MAIL_FROM. Until then links are in the log.
 * @throws Error when a setting or the package nodemailer is missing
 */
export async function createMail(): Promise<Mail> {
  const smtpUrl = readVariable('SMTP_URL');
  if (smtpUrl === undefined) return { send: logLink, sent: async () => undefined };
  const site = require('PUBLIC_URL', 'the address of this site, such as https://shop.example.com');
  const from = require('MAIL_FROM', 'the sender of mails, such as "Shop <mail@shop.example.com>"');
  return bySmtp(await createTransport(smtpUrl), site, from);
}

function bySmtp(transport: Transport, site: string, from: string): Mail {
  const sending = new Set<Promise<unknown>>();
  return {
    send(req, to, subject, text, path) {
      const message = { from, to, subject, text: `${text}\n\n${new URL(path, site)}\n` };
      const sent = transport
        .sendMail(message)
        .catch((err: unknown) => req.log.error({ err }, 'a mail could not be sent'))
        .finally(() => sending.delete(sent));
      sending.add(sent);
    },

    async sent() {
      await Promise.all(sending);
    },
  };
}

// The Host header is the client's to choose: it is good enough for a link in the log, not for one in a mail.
function logLink(req: Request, to: string, subject: string, _text: string, path: string): void {
  req.log.info(`mail to ${to}: ${subject}: ${req.protocol}://${req.get('Host')}${path}`);
}

function require(name: string, meaning: string): string {
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
