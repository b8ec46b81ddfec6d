import { formatBytes } from '@varve/pack/base'
import type { Host, HostOutput } from '../host/index.ts'
import type { GlobalOptions } from './global-options.ts'
import { type Palette, paletteFor } from './palette.ts'

/** Rows are aligned by what is among the first so many. */
const ALIGNED_ROWS = 200
/** Written at once. */
const CHUNK_CHARS = 16_384

export interface Cell {
  readonly text: string
  readonly isRight?: boolean | undefined
  /** Applied after the text has been padded. */
  readonly paint?: ((text: string) => string) | undefined
}

/** JSON of one thing; its `type` says what it is. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** Where a command's data goes: JSON, columns for eyes, or tab-separated lines for programs. */
export class Output {
  readonly isJson: boolean
  /** Sizes, dates, and hashes are for eyes. */
  readonly isForEyes: boolean
  readonly palette: Palette
  readonly #stdout: HostOutput
  #pending = ''
  #localDate: Intl.DateTimeFormat | undefined

  constructor(host: Host, options: Pick<GlobalOptions, 'json' | 'color'>) {
    this.#stdout = host.stdout
    this.isJson = options.json
    this.isForEyes = host.stdout.isTerminal && !options.json
    this.palette = paletteFor(options.json ? 'never' : options.color, host, host.stdout)
  }

  get columns(): number {
    return this.#stdout.columns
  }

  /** One thing: a JSON document, or the lines of text. */
  async document(json: JsonRecord, lines: () => readonly string[]): Promise<void> {
    await this.#add(
      this.isJson
        ? `${JSON.stringify(json)}\n`
        : lines()
            .map((line) => `${line}\n`)
            .join(''),
    )
    await this.flush()
  }

  /** A thing of several facts: a JSON document, or lines of a name and a value. */
  async facts(json: JsonRecord, rows: readonly (readonly [string, string])[]): Promise<void> {
    const width = Math.max(...rows.map(([name]) => name.length))
    await this.document(json, () =>
      rows.map(([name, value]) =>
        this.isForEyes ? `${this.palette.dim(name.padEnd(width))}  ${value}` : `${name}\t${value}`,
      ),
    )
  }

  async line(text: string): Promise<void> {
    await this.#add(`${text}\n`)
  }

  /** Exact bytes, after all that was written before. */
  async bytes(content: Uint8Array): Promise<void> {
    await this.flush()
    await this.#stdout.write(content)
  }

  listing(): Listing {
    return new Listing(this)
  }

  async flush(): Promise<void> {
    const text = this.#pending
    this.#pending = ''
    await this.#stdout.write(text)
  }

  /** '1.5 MiB' for eyes, else bytes. */
  size(bytes: number): string {
    return this.isForEyes ? formatBytes(bytes) : String(bytes)
  }

  /** '12 Nov 2026 10:00' in local time for eyes, else RFC 3339. */
  date(date: Date): string {
    if (!this.isForEyes) return date.toISOString()
    this.#localDate ??= new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
    return this.#localDate.format(date).replace(',', '')
  }

  /** The first digits for eyes, else all. */
  hash(hash: string): string {
    return this.isForEyes ? hash.slice(0, 12) : hash
  }

  count(count: number): string {
    return this.isForEyes ? count.toLocaleString('en-US') : String(count)
  }

  #add(text: string): Promise<void> | void {
    this.#pending += text
    if (this.#pending.length >= CHUNK_CHARS) return this.flush()
  }
}

/** Many things of one kind: JSON Lines, aligned columns, or tab-separated fields. Ends with `end()`. */
export class Listing {
  readonly #output: Output
  #rows: (readonly Cell[])[] = []
  #widths: number[] | undefined

  constructor(output: Output) {
    this.#output = output
  }

  async row(json: JsonRecord, cells: () => readonly Cell[]): Promise<void> {
    if (this.#output.isJson) return this.#output.line(JSON.stringify(json))
    if (!this.#output.isForEyes)
      return this.#output.line(
        cells()
          .map((cell) => cell.text)
          .join('\t'),
      )
    this.#rows.push(cells())
    if (this.#rows.length >= ALIGNED_ROWS) await this.#write()
  }

  async end(): Promise<void> {
    await this.#write()
    await this.#output.flush()
  }

  async #write(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    this.#widths ??= widthsOf(rows)
    for (const row of rows) await this.#output.line(aligned(row, this.#widths))
  }
}

function widthsOf(rows: readonly (readonly Cell[])[]): number[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.text.length)
  }
  return widths
}

function aligned(row: readonly Cell[], widths: readonly number[]): string {
  return row
    .map((cell, at) => {
      const width = widths[at] ?? 0
      const isLast = at === row.length - 1
      const text =
        cell.isRight === true ? cell.text.padStart(width) : isLast ? cell.text : cell.text.padEnd(width)
      return cell.paint === undefined ? text : cell.paint(text)
    })
    .join('  ')
}
