import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A built program that runs beside a test: what it says line by line, and how it ends. */
export class Conversation {
  readonly child: ChildProcess
  readonly lines: string[] = []
  readonly #ended: Promise<void>
  #complaint = ''
  #rest = ''
  #listeners: (() => void)[] = []
  #isOver = false

  constructor(program: string, args: readonly (string | number)[]) {
    const file = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url))
    this.child = spawn(process.execPath, [file, ...args.map(String)], { stdio: 'pipe' })
    this.child.stdout?.setEncoding('utf8').on('data', (part: string) => this.#hear(part))
    this.child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      this.#complaint += part
    })
    this.#ended = new Promise((resolve, reject) => {
      this.child.once('close', (code, signal) => {
        this.#isOver = true
        this.#wake()
        if (code === 0) resolve()
        else reject(new Error(`${program} ended with ${signal ?? code}: ${this.#complaint}`))
      })
    })
    // Whoever waits hears of it.
    this.#ended.catch(() => undefined)
  }

  /** Waits until it has said so many lines of which this is true. @throws when it ends before, or failed */
  async said(isMeant: (line: string) => boolean, count: number): Promise<void> {
    while (this.lines.filter(isMeant).length < count) {
      if (this.#isOver) {
        await this.#ended
        throw new Error('the program has ended without saying so')
      }
      await new Promise<void>((resolve) => void this.#listeners.push(resolve))
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.child.kill(name)
  }

  /** Ends its input, and waits for its end. @throws what it has complained about */
  async finish(): Promise<void> {
    this.child.stdin?.end()
    await this.#ended
  }

  /** The same without telling it. */
  ended(): Promise<void> {
    return this.#ended
  }

  async kill(): Promise<void> {
    if (this.#isOver) return
    this.child.kill('SIGKILL')
    await this.#ended.catch(() => undefined)
  }

  #hear(part: string): void {
    const lines = (this.#rest + part).split('\n')
    this.#rest = lines.pop() ?? ''
    this.lines.push(...lines)
    this.#wake()
  }

  #wake(): void {
    for (const listener of this.#listeners.splice(0)) listener()
  }
}
