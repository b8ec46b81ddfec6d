/** Makes two runs of the same commands read the same: what differs from run to run gets a name instead. */
export class GoldenText {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #folder: string

  /** @param folder where everything happens */
  constructor(folder: string) {
    this.#folder = folder
  }

  of(text: string): string {
    return (
      text
        .replaceAll(this.#folder, '<folder>')
        // First, as twelve digits of a fraction look like a hash.
        .replace(/"(seconds|wallMs|longestStallMs|peakBytes)":[\d.e-]+/g, '"$1":0')
        .replace(/\b[0-9a-f]{64}\b/g, (hash) => this.#name('hash', hash.slice(0, 12)))
        .replace(/\b[0-9a-f]{40}\b/g, (id) => this.#name('git', id))
        .replace(/\b[0-9a-f]{32}\b/g, (id) => this.#name('id', id))
        .replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, (hash) => this.#name('hash', hash))
        .replace(/\b20(?:2[4-9]|[3-9]\d)-[\d:.T-]+Z/g, '<now>')
        .replace(/\b\d{1,2} \w{3} 20(?:2[4-9]|[3-9]\d),? \d\d:\d\d/g, '<now>')
        .replace(/\b(in|seconds\s+|longest stall\s+)([ \t]*)[\d.]+( s\b| ms\b|$)/gm, '$1$2<number>$3')
        .replace(/[\d,]+ objects\/s/g, '<number> objects/s')
    )
  }

  /** The same text gets the same name, in the order of first sight. */
  #name(kind: string, text: string): string {
    const known = this.#names.get(text)
    if (known !== undefined) return known
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    this.#names.set(text, `<${kind} ${count}>`)
    return `<${kind} ${count}>`
  }
}
