/** The git command did not do what it was asked: its own words are in the message. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed'
  /** What git printed on its stderr, in English. */
  readonly said: string

  constructor(command: string, said: string, cause?: unknown) {
    super(`git ${command}: ${said}`, cause === undefined ? undefined : { cause })
    this.said = said
  }
}
