import type { Host } from '../host/index.ts'
import { type ProgressView, progressView, type Step } from '../terminal/index.ts'

/** What is said between two steps, and how far the one under way has come. */
export class Stage {
  readonly #host: Host
  #view: ProgressView | undefined
  #label = ''

  constructor(host: Host) {
    this.#host = host
  }

  /** One line; takes a bar away that is being shown. */
  async say(line: string): Promise<void> {
    this.end()
    await this.#host.stdout.write(`${line}\n`)
  }

  show(step: Step): void {
    if (step.label === this.#label) this.#view?.update(step)
    else {
      this.end()
      this.#label = step.label
      void this.#begin(step)
    }
  }

  /** Takes the bar away. */
  end(): void {
    this.#view?.stop()
    this.#view = undefined
    this.#label = ''
  }

  async #begin(step: Step): Promise<void> {
    const view = await progressView(this.#host, { json: false, quiet: false })
    // Another step may have begun meanwhile.
    if (this.#label === step.label && this.#view === undefined) this.#view = view
  }
}
