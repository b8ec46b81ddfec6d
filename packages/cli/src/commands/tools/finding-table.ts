import { type Finding, type FindingRow, findingRows } from '../../inspect/index.ts'
import { type Cell, type Listing, type Output, shownName } from '../../terminal/index.ts'

/** Longer values are cut; the JSON has them whole. */
const VALUE_CHARS_MAX = 200
const HASH = /[0-9a-f]{64}/g

/**
 * What `inspect` prints without --json: a row for each thing, with its position in the file, its virtual
 * offset, what it is, its bytes, its hash, and then its facts. Damage is one row, however long.
 */
export class FindingTable {
  readonly #output: Output
  readonly #listing: Listing
  #damage: { readonly row: FindingRow; size: number } | undefined
  /** Of the copy of control, or of a manifest, that was shown last. */
  #payload = ''
  #hasHead = false

  constructor(output: Output) {
    this.#output = output
    this.#listing = output.listing()
  }

  async add(finding: Finding): Promise<void> {
    if (this.#output.isForEyes && !this.#hasHead) await this.#head()
    if (finding.type === 'damage' && finding['continued'] === true && this.#damage !== undefined) {
      this.#damage.size += finding['size'] as number
      return
    }
    await this.#endDamage()
    for (const row of this.#rows(finding)) {
      if (finding.type === 'damage') this.#damage = { row, size: row.size ?? 0 }
      else await this.#row(row)
    }
  }

  /** For JSON too: what was printed before leaves the process. */
  async end(): Promise<void> {
    await this.#endDamage()
    await this.#listing.end()
  }

  async #head(): Promise<void> {
    this.#hasHead = true
    const { dim: paint } = this.#output.palette
    await this.#listing.row({}, () => [
      { text: 'position', isRight: true, paint },
      { text: 'offset', isRight: true, paint },
      { text: 'what', paint },
      { text: 'size', isRight: true, paint },
      { text: 'hash', paint },
      { text: 'facts', paint },
    ])
  }

  async #endDamage(): Promise<void> {
    const damage = this.#damage
    this.#damage = undefined
    if (damage !== undefined) await this.#row({ ...damage.row, size: damage.size })
  }

  /** A second copy says what the first one does, if it is as it should be. */
  #rows(finding: Finding): FindingRow[] {
    const rows = findingRows(finding)
    if (finding['payload'] === undefined) return rows
    const payload = JSON.stringify(finding['payload'])
    const isSame = payload === this.#payload
    this.#payload = payload
    return isSame ? rows.slice(0, 1).map((row) => ({ ...row, facts: { says: 'the same' } })) : rows
  }

  async #row(row: FindingRow): Promise<void> {
    await this.#listing.row({}, () => this.#cells(row))
  }

  #cells({ position, offset, what, size, hash, facts }: FindingRow): Cell[] {
    const { palette, isForEyes } = this.#output
    const isFault = what === 'damage' || what === 'problem'
    const told = Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${this.#value(value)}`],
    )
    const cells = [
      { text: textOf(position), isRight: true },
      { text: textOf(offset), isRight: true },
      { text: what, paint: isFault ? palette.red : palette.bold },
      { text: textOf(size), isRight: true },
      { text: hash === undefined ? '' : this.#output.hash(hash) },
      ...(isForEyes ? [{ text: told.join(' ') }] : told.map((text) => ({ text }))),
    ]
    while (cells.at(-1)?.text === '') cells.pop()
    return cells
  }

  /** No line holds what a terminal would obey. */
  #value(value: string | number): string {
    if (typeof value === 'number') return String(value)
    const short = value.length > VALUE_CHARS_MAX ? `${value.slice(0, VALUE_CHARS_MAX)}\u2026` : value
    const text = shownName(Buffer.from(short.replace(HASH, (hash) => this.#output.hash(hash))))
    return text.includes(' ') && !text.startsWith('"') ? `"${text}"` : text
  }
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}
