/** What the programs that are killed say, and how a test hears it. */

export interface SpokenCommit {
  readonly branch: string
  readonly hash: string
  readonly treeHash: string
  readonly key: string
  /** `<word>:<bytes>`; `contentOf` makes the blob of it. */
  readonly value: string
}

/** The content that a value stands for. */
export function contentOf(value: string): string {
  const [word = '', bytes = '0'] = value.split(':')
  return `${word} `.repeat(Math.ceil(Number(bytes) / (word.length + 1))).slice(0, Number(bytes))
}

/** A line, said after the promise of the commit has resolved. */
export function sayCommit({ branch, hash, treeHash, key, value }: SpokenCommit): string {
  return `ack ${branch} ${hash} ${treeHash} ${key} ${value}\n`
}

/** `undefined`: the line says something else. */
export function hearCommit(line: string): SpokenCommit | undefined {
  const [verb, branch, hash, treeHash, key, value, ...more] = line.split(' ')
  if (verb !== 'ack') return undefined
  if (branch === undefined || hash === undefined || treeHash === undefined) throw new Error(line)
  if (key === undefined || value === undefined || more.length > 0) throw new Error(line)
  return { branch, hash, treeHash, key, value }
}

/** A commit's message says what it has changed: `<key>=<value>`. */
export function changeOf(message: string): { readonly key: string; readonly value: string } {
  const [key = '', value = ''] = message.split('=')
  return { key, value }
}
