/** Of the library's interface, what is used here. */
declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: Readonly<Record<string, unknown>>)
    start(total: number, value: number, payload?: Readonly<Record<string, unknown>>): void
    update(value: number, payload?: Readonly<Record<string, unknown>>): void
    setTotal(total: number): void
    stop(): void
  }
}
