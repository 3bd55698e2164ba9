import type { Request } from 'express';
import { languageOf } from '../../texts.ts';

const ko = {
  title: '패스키',
  text: '패스키를 추가하면 비밀번호 대신 지문, 얼굴, 화면 잠금이나 보안 키로 로그인할 수 있습니다.',
  missing: '이 브라우저에서는 패스키를 사용할 수 없습니다.',
  add: '패스키 추가',
  added: '패스키를 추가했습니다.',
  remove: '삭제',
  removed: '패스키를 삭제했습니다. 기기에 남은 패스키로는 더 이상 로그인할 수 없습니다.',
  created: '추가한 날',
  used: '마지막 사용',
  unknown: '알 수 없음',
  login: '패스키로 로그인',
  failed: '패스키를 사용하지 못했습니다. 다시 시도하세요.',
  refused: '패스키를 확인하지 못했습니다. 다시 시도하세요.',
  mailSubject: '패스키가 추가되었습니다',
  mail: '계정에 패스키가 추가되었습니다. 본인이 추가하지 않았다면 아래 링크에서 삭제하고 비밀번호를 변경하세요.',
};

const en: typeof ko = {
  title: 'Passkeys',
  text: 'With a passkey, you log in with your fingerprint, face, screen lock or security key instead of your password.',
  missing: 'This browser does not support passkeys.',
  add: 'Add a passkey',
  added: 'The passkey was added.',
  remove: 'Remove',
  removed: 'The passkey was removed. Your device may still show it, but you can no longer log in with it.',
  created: 'Added',
  used: 'Last used',
  unknown: 'unknown',
  login: 'Log in with a passkey',
  failed: 'The passkey could not be used. Try again.',
  refused: 'The passkey could not be verified. Try again.',
  mailSubject: 'A passkey was added',
  mail: 'A passkey was added to your account. If that was not you, remove it with this link and change your password.',
};

export function passkeyTexts(req: Request): typeof ko {
  return { ko, en }[languageOf(req)];
}
