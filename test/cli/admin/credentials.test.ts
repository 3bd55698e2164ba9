import { expect, test } from 'vitest';
import { maskCredentials } from '../../../src/cli/admin/credentials.ts';

test.each(
  'password Passwd PASSWORD_HASH newPwd pass passphrase token accessToken REFRESH-TOKEN clientSecret secret apiKey api_key APIKEY auth Authorization oauthState cookie csrf _csrf xsrfToken otp totpSeed pin PIN userPin pinCode PIN_NUMBER pincode userpin userPINs card cardNumber creditcard iban IBAN cvc jwt sid sessionId session_id bearer signature ｐａｓｓｗｏｒｄ 비밀번호 인증코드'.split(
    ' ',
  ),
)('the value of %s is masked, whatever its type', (key) => {
  for (const value of ['v', 1234, ['v'], { a: 'v' }])
    expect(maskCredentials({ [key]: value })).toEqual({ [key]: '[masked]' });
  expect(maskCredentials([{ a: [{ [key]: 'v' }] }])).toEqual([{ a: [{ [key]: '[masked]' }] }]);
});

test.each(
  'username userId shoppingCart shipping opinion pinned spinner mapping locale visits passport bypass cart name 이름'.split(
    ' ',
  ),
)('the value of %s is shown', (key) => {
  const value = { [key]: ['v', null, true, { a: 1 }] };
  expect(maskCredentials(value)).toEqual(value);
});

test('a key named __proto__ is copied as an ordinary key', () => {
  const masked = maskCredentials(JSON.parse('{"__proto__":{"token":"v","a":1}}'));
  expect(JSON.stringify(masked)).toBe('{"__proto__":{"token":"[masked]","a":1}}');
});
