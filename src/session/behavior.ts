/** What express-session has an option for. */
export interface Behavior {
  /** Each response sets the cookie. */
  rolling: boolean;
  /** Each request with a session makes it live longer. */
  resave: boolean;
  /** A new session is stored although it holds nothing. */
  saveUninitialized: boolean;
  /** To remove `req.session` ends the session. */
  unsetDestroys: boolean;
}

export const defaultBehavior: Behavior = {
  rolling: false,
  resave: false,
  saveUninitialized: false,
  unsetDestroys: false,
};
