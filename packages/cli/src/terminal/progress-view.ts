import { formatBytes } from '@varve/pack/base'
import type { SingleBar } from 'cli-progress'
import type { Host } from '../host/index.ts'
import type { GlobalOptions } from './global-options.ts'

/** Without a terminal one line in so many milliseconds. */
const LINE_EVERY_MS = 10_000
/** A bar that is gone before one has read it is only flicker. */
const BAR_AFTER_MS = 300
const BAR_FORMAT = '{label} {bar} {percentage}%  {counts}'
const ENDLESS_FORMAT = '{label}  {counts}'

/** How far a piece of work has come. */
export interface Step {
  readonly label: string
  readonly done: number
  readonly total?: number | undefined
  readonly bytes?: number | undefined
  readonly etaMs?: number | undefined
}

/** Shows progress on stderr, and only there. After `stop` nothing is shown any more. */
export interface ProgressView {
  update(step: Step): void
  /** Takes the bar away. */
  stop(): void
}

/** A bar on a terminal; elsewhere a line every ten seconds (JSON, if asked for); or nothing. */
export async function progressView(
  host: Host,
  options: Pick<GlobalOptions, 'json' | 'quiet' | 'progress'>,
): Promise<ProgressView> {
  if (options.quiet || options.progress === false) return silent
  if (options.json) return options.progress === true ? new LineView(host, jsonLine) : silent
  if (!host.stderr.isTerminal) return new LineView(host, textLine)
  const { SingleBar } = await import('cli-progress')
  return new BarView(host, (format) => new SingleBar({ format, ...barLook }))
}

const barLook = { hideCursor: true, clearOnComplete: true, fps: 10, stopOnComplete: false, barsize: 30 }

const silent: ProgressView = { update: () => {}, stop: () => {} }

class BarView implements ProgressView {
  readonly #host: Host
  readonly #make: (format: string) => SingleBar
  readonly #startedMs: number
  #bar: SingleBar | undefined
  #isStopped = false
  #shape = ''

  constructor(host: Host, make: (format: string) => SingleBar) {
    this.#host = host
    this.#make = make
    this.#startedMs = host.clock.monotonic()
    // Whatever happens then, the cursor is seen again.
    host.interrupted.addEventListener('abort', () => this.stop(), { once: true })
  }

  update(step: Step): void {
    if (this.#isStopped || this.#host.clock.monotonic() - this.#startedMs < BAR_AFTER_MS) return
    const shape = step.total === undefined ? ENDLESS_FORMAT : BAR_FORMAT
    const total = Math.max(step.total ?? 0, step.done)
    if (this.#bar === undefined || shape !== this.#shape) {
      this.#bar?.stop()
      this.#bar = this.#make(shape)
      this.#shape = shape
      this.#bar.start(total, step.done, payload(step))
    }
    this.#bar.setTotal(total)
    this.#bar.update(step.done, payload(step))
  }

  stop(): void {
    this.#isStopped = true
    this.#bar?.stop()
    this.#bar = undefined
  }
}

class LineView implements ProgressView {
  readonly #host: Host
  readonly #format: (step: Step) => string
  #nextMs: number

  constructor(host: Host, format: (step: Step) => string) {
    this.#host = host
    this.#format = format
    this.#nextMs = host.clock.monotonic() + LINE_EVERY_MS
  }

  update(step: Step): void {
    const now = this.#host.clock.monotonic()
    if (now < this.#nextMs) return
    this.#nextMs = now + LINE_EVERY_MS
    void this.#host.stderr.write(`${this.#format(step)}\n`)
  }

  stop(): void {}
}

function payload(step: Step): { label: string; counts: string } {
  return { label: step.label.padEnd(12), counts: countsOf(step) }
}

function countsOf({ done, total, bytes, etaMs }: Step): string {
  const parts = [total === undefined ? number(done) : `${number(done)} of ${number(total)}`]
  if (bytes !== undefined && bytes > 0) parts.push(formatBytes(bytes))
  if (etaMs !== undefined && etaMs >= 1_000) parts.push(`${Math.round(etaMs / 1_000)} s left`)
  return parts.join(', ')
}

function textLine(step: Step): string {
  return `varve: ${step.label}: ${countsOf(step)}`
}

function jsonLine({ label, done, total, bytes, etaMs }: Step): string {
  return JSON.stringify({ type: 'progress', phase: label, done, total, bytes, etaMs })
}

function number(count: number): string {
  return count.toLocaleString('en-US')
}
