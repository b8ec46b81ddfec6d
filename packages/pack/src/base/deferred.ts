/** A promise that others settle. Settling it again changes nothing. */
export class Deferred<T = void> {
  readonly promise: Promise<T>
  #resolve: (value: T) => void = () => {}
  #reject: (reason: unknown) => void = () => {}
  #isSettled = false

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  resolve(value: T): void {
    this.#isSettled = true
    this.#resolve(value)
  }

  reject(reason: unknown): void {
    this.#isSettled = true
    this.#reject(reason)
  }
}
