/** Shown instead of a value. */
const mask = '[masked]';
/** Deeper values are not shown, because walking there would overflow the stack. */
const maxDepth = 100;

// Parts that may be anywhere in the name of a key. Masking `author` is better than showing `authorization`.
const parts =
  /passw|passphrase|passcode|pwd|secret|token|credential|key|auth|cookie|[cx]srf|otp|card|iban|bearer|signature|sessionid|nonce|verifier|cvv|cvc|비밀|암호|토큰|인증|쿠키|카드|계좌|주민/;
// Whole words only: `pin` is also a part of `shopping`.
const words = /^(pass|pw|sid|jwt|ssn|mfa|salt|.*pin(s|no|num|number|codes?|hash)?)$/;

/** Masks each value, at any depth, whose key looks like the name of a credential. */
export function maskCredentials(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === maxDepth) return '[too deep to show]';
  if (Array.isArray(value)) return value.map((item) => maskCredentials(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, isCredential(key) ? mask : maskCredentials(item, depth + 1)]),
  );
}

function isCredential(key: string): boolean {
  const names = wordsOf(key);
  const whole = names.join('');
  return parts.test(whole) || [...names, whole].some((name) => words.test(name));
}

/** `resetPINCode` is reset, pin, code. */
function wordsOf(key: string): string[] {
  const spaced = key.normalize('NFKC').replace(/(\p{Ll})(\p{Lu})|(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1$3 $2$4');
  return spaced.toLowerCase().split(/[^\p{L}\p{M}]+/u);
}
