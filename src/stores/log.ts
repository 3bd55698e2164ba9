/** Where the session layer reports. It hands over no id, no secret and no cookie. */
export interface Log {
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}
