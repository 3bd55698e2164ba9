type Finish<T> = (error?: unknown, value?: T) => void;

/** Calls a method that takes a callback, as those of an express-session store do. */
export function call<T>(start: (finish: Finish<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}
