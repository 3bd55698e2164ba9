/** Describes what is wrong with an option, as the rest of a sentence that begins with its name. It never quotes the value. */
type FindFault = (value: unknown) => string | undefined;

/**
 * Verifies the options of a function when the application starts, so that a mistake does not wait for the first request.
 * @param example a correct call of the function
 * @throws TypeError when the options are not an object, or an option is unknown or not valid
 */
export function verifyOptions(given: unknown, example: string, options: Record<string, FindFault>): void {
  const fault = faultOf(given, `${example.slice(0, example.indexOf('('))}()`, options);
  if (fault !== undefined) throw new TypeError(`${fault}. For example: ${example}`);
}

export function findTextFault(value: unknown): string | undefined {
  if (value === undefined || value === '')
    return `is ${value === '' ? 'empty' : 'undefined'} (is the environment variable set?)`;
  return typeof value === 'string' ? undefined : `must be a string; it is ${kindOf(value)}`;
}

/** Like `findTextFault`, for an option that has a default. */
export function findOptionalFault(value: unknown): string | undefined {
  return value === undefined ? undefined : findTextFault(value);
}

/** For an option that the function checks itself, with a different error. */
export function checkedLater(): undefined {
  return undefined;
}

/** Describes a value for a message, but never shows it: it may be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (value instanceof Promise) return 'a promise';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function faultOf(given: unknown, call: string, options: Record<string, FindFault>): string | undefined {
  if (typeof given !== 'object' || given === null)
    return `${call} needs an object with options; it got ${kindOf(given)}`;
  const names = Object.keys(options);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) return `${unknown} is not an option of ${call}; its options are: ${names.join(', ')}`;
  const faults = names.map((name) => [name, options[name]?.(given[name as never])]);
  const [name, fault] = faults.find(([, found]) => found !== undefined) ?? [];
  return fault && `${name} option of ${call} ${fault}`;
}
