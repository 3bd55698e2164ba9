/** A promise that knows whether anybody waits for it. Whoever does not need not handle its failure. */
export class HeardPromise<T> extends Promise<T> {
  isHeard = false;

  // What is made of it is a promise like any other.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(work: Promise<T>): HeardPromise<T> {
    const heard = new HeardPromise<T>((resolve, reject) => void work.then(resolve, reject));
    Promise.prototype.then.call(heard, undefined, () => undefined);
    return heard;
  }

  // biome-ignore lint/suspicious/noThenProperty: `await` calls it, too.
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isHeard = true;
    return super.then(onFulfilled, onRejected);
  }
}
