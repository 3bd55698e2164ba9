import type { Request } from 'express';

const ko = {
  nav: {
    label: '메뉴',
    home: '홈',
    devices: '기기',
    password: '비밀번호',
    login: '로그인',
    register: '가입',
    logout: '로그아웃',
  },
  fields: {
    email: '이메일 주소',
    name: '이름',
    password: '비밀번호',
    newPassword: '새 비밀번호',
    currentPassword: '현재 비밀번호',
    passwordHint: '15자 이상 입력하세요. 서로 관련 없는 단어 몇 개를 이어 쓰면 외우기 쉽습니다.',
  },
  faults: {
    email: '이메일 주소를 ann@example.com 형식으로 입력하세요.',
    name: '이름을 100자 이내로 입력하세요.',
    short: '비밀번호는 15자 이상이어야 합니다.',
    long: '비밀번호는 256자 이하여야 합니다.',
    common: '많은 사람이 쓰는 비밀번호라서 추측하기 쉽습니다.',
    personal: '이름이나 이메일 주소와 같은 비밀번호는 사용할 수 없습니다.',
    wrongPassword: '비밀번호가 맞지 않습니다.',
    wrongLogin: '이메일 주소나 비밀번호가 맞지 않거나, 아직 이메일 주소를 인증하지 않았습니다.',
  },
  home: {
    title: '환영합니다',
    text: '가입하거나 로그인하세요.',
    hello: (name: string) => `${name}님, 안녕하세요`,
    loggedIn: (email: string) => `${email} 계정으로 로그인했습니다.`,
  },
  register: {
    title: '가입',
    button: '가입하기',
    other: '이미 계정이 있으면 로그인하세요.',
    sentTitle: '메일을 확인하세요',
    sent: (email: string) => `${email} 주소로 링크를 보냈습니다. 1시간 안에 링크를 열어 가입을 완료하세요.`,
    mailSubject: '가입을 완료하세요',
    mail: '아래 링크를 열고 비밀번호를 입력하면 가입이 완료됩니다. 가입을 신청하지 않았다면 이 메일을 무시하세요.',
    knownSubject: '이미 계정이 있습니다',
    knownMail:
      '이 이메일 주소로 가입 신청이 있었지만, 이미 계정이 있습니다. 비밀번호를 잊었다면 아래 링크에서 재설정하세요.',
  },
  verify: {
    title: '가입 완료',
    text: (email: string) => `${email} 주소를 인증하려면 가입할 때 정한 비밀번호를 입력하세요.`,
    button: '인증하고 로그인',
  },
  login: { title: '로그인', button: '로그인', forgot: '비밀번호를 잊으셨나요?', other: '계정이 없으면 가입하세요.' },
  reset: {
    title: '비밀번호 재설정',
    text: '가입한 이메일 주소를 입력하세요. 비밀번호 재설정 링크를 보내 드립니다.',
    button: '링크 보내기',
    sentTitle: '메일을 확인하세요',
    sent: (email: string) => `${email} 주소로 가입한 계정이 있으면 링크를 보냈습니다. 1시간 안에 링크를 여세요.`,
    newTitle: '새 비밀번호',
    newText: '비밀번호를 변경하면 모든 기기에서 로그아웃됩니다.',
    newButton: '비밀번호 변경',
    done: '비밀번호를 변경했습니다. 새 비밀번호로 로그인하세요.',
    mailSubject: '비밀번호 재설정',
    mail: '아래 링크에서 새 비밀번호를 설정하세요. 요청하지 않았다면 이 메일을 무시하세요.',
    changedSubject: '비밀번호가 변경되었습니다',
    changedMail: '계정의 비밀번호가 변경되었습니다. 본인이 변경하지 않았다면 아래 링크에서 재설정하세요.',
  },
  password: {
    title: '비밀번호 변경',
    text: '비밀번호를 변경하면 다른 모든 기기에서 로그아웃됩니다.',
    button: '변경',
    done: '비밀번호를 변경했습니다. 다른 모든 기기에서 로그아웃했습니다.',
  },
  sudo: { title: '비밀번호 확인', text: '이 페이지를 보려면 비밀번호를 다시 입력하세요.', button: '확인' },
  devices: {
    title: '로그인한 기기',
    since: '로그인',
    seen: '마지막 사용',
    here: '이 기기',
    now: '지금',
    unknown: '알 수 없음',
    end: '로그아웃',
    endOthers: '다른 모든 기기에서 로그아웃',
    endAll: '이 기기를 포함한 모든 기기에서 로그아웃',
    ended: (count: number) => `${count}개 기기에서 로그아웃했습니다.`,
    endedAll: '모든 기기에서 로그아웃했습니다.',
  },
  link: { title: '사용할 수 없는 링크', text: '이미 사용했거나 만료된 링크입니다.', again: '새 링크 받기' },
  tooMany: {
    title: '시도 횟수가 너무 많습니다',
    text: (minutes: number) => `${minutes}분 뒤에 다시 시도하세요. 비밀번호를 잊었다면 재설정할 수 있습니다.`,
  },
  busy: { title: '서버가 혼잡합니다', text: '잠시 뒤에 다시 시도하세요.' },
};

const en: typeof ko = {
  nav: {
    label: 'Menu',
    home: 'Home',
    devices: 'Devices',
    password: 'Password',
    login: 'Log in',
    register: 'Register',
    logout: 'Log out',
  },
  fields: {
    email: 'Email address',
    name: 'Name',
    password: 'Password',
    newPassword: 'New password',
    currentPassword: 'Current password',
    passwordHint: 'At least 15 characters. A few unrelated words are easy to remember.',
  },
  faults: {
    email: 'Enter an email address, such as ann@example.com.',
    name: 'Enter a name of at most 100 characters.',
    short: 'The password has fewer than 15 characters.',
    long: 'The password has more than 256 characters.',
    common: 'Many people use this password, so it is easy to guess.',
    personal: 'The password must not be your name or your email address.',
    wrongPassword: 'The password is wrong.',
    wrongLogin: 'The email address or the password is wrong, or you have not confirmed the address yet.',
  },
  home: {
    title: 'Welcome',
    text: 'Register or log in.',
    hello: (name) => `Hello, ${name}`,
    loggedIn: (email) => `You are logged in as ${email}.`,
  },
  register: {
    title: 'Register',
    button: 'Register',
    other: 'Log in if you have an account.',
    sentTitle: 'Check your mail',
    sent: (email) => `We have sent a link to ${email}. Open it within an hour to finish your registration.`,
    mailSubject: 'Finish your registration',
    mail: 'Open this link and enter your password to finish your registration. If you did not register, ignore this mail.',
    knownSubject: 'You already have an account',
    knownMail:
      'Somebody tried to register with this address, but it already has an account. If you forgot your password, set a new one with this link.',
  },
  verify: {
    title: 'Finish your registration',
    text: (email) => `To confirm ${email}, enter the password that you chose when you registered.`,
    button: 'Confirm and log in',
  },
  login: {
    title: 'Log in',
    button: 'Log in',
    forgot: 'Forgot your password?',
    other: 'Register if you have no account.',
  },
  reset: {
    title: 'Reset your password',
    text: 'Enter the email address of your account. We will send a link to set a new password.',
    button: 'Send the link',
    sentTitle: 'Check your mail',
    sent: (email) => `If there is an account for ${email}, we have sent a link to it. Open it within an hour.`,
    newTitle: 'New password',
    newText: 'Setting a new password logs you out on all devices.',
    newButton: 'Set the password',
    done: 'The password was changed. Log in with the new one.',
    mailSubject: 'Reset your password',
    mail: 'Set a new password with this link. If you did not ask for it, ignore this mail.',
    changedSubject: 'Your password was changed',
    changedMail: 'The password of your account was changed. If that was not you, set a new one with this link.',
  },
  password: {
    title: 'Change your password',
    text: 'Changing your password logs you out on all other devices.',
    button: 'Change the password',
    done: 'The password was changed, and all other devices were logged out.',
  },
  sudo: { title: 'Confirm your password', text: 'Enter your password again to see this page.', button: 'Confirm' },
  devices: {
    title: 'Devices',
    since: 'Logged in',
    seen: 'Last seen',
    here: 'this device',
    now: 'now',
    unknown: 'unknown',
    end: 'Log out',
    endOthers: 'Log out all other devices',
    endAll: 'Log out everywhere',
    ended: (count) => `${count} ${count === 1 ? 'device was' : 'devices were'} logged out.`,
    endedAll: 'You are logged out everywhere.',
  },
  link: { title: 'This link does not work', text: 'It was already used, or it has expired.', again: 'Get a new link' },
  tooMany: {
    title: 'Too many attempts',
    text: (minutes) =>
      `Try again in ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}. If you forgot your password, you can reset it.`,
  },
  busy: { title: 'The server is busy', text: 'Try again in a moment.' },
};

const languages = { ko, en };

export type Texts = typeof ko;

/** Korean, unless the browser prefers English. */
export function languageOf(req: Request): keyof typeof languages {
  req.res?.vary('Accept-Language');
  return req.acceptsLanguages('ko', 'en') === 'en' ? 'en' : 'ko';
}

export function textsFor(req: Request): Texts {
  return languages[languageOf(req)];
}
