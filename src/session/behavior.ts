/** Behavior that options of express-session select. */
export interface Behavior {
  /** Set the cookie on every response. */
  rolling: boolean;
  /** Every request with a session extends it. */
  resave: boolean;
  /** Store a new session even when it is empty. */
  saveUninitialized: boolean;
  /** Removing `req.session` destroys the session. */
  unsetDestroys: boolean;
}

export const defaultBehavior: Behavior = {
  rolling: false,
  resave: false,
  saveUninitialized: false,
  unsetDestroys: false,
};
