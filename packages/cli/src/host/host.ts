import type { Clock } from '@varve/pack/base'
import type { HostFiles } from './host-files.ts'

/** Text or bytes to a terminal, a pipe, or a file. */
export interface HostOutput {
  readonly isTerminal: boolean
  /** Columns of the terminal; 80 when it does not say. */
  readonly columns: number
  /**
   * Resolves when more may be written. After the reader has gone, writes do nothing; after any other failure
   * every write fails with it.
   */
  write(content: string | Uint8Array): Promise<void>
}

/** Both ways of reading fail when the command is interrupted, also while there is nothing to read. */
export interface HostInput {
  readonly isTerminal: boolean
  /** To its end; once only. @throws ABORTED */
  read(): AsyncIterable<Uint8Array>
  /**
   * One line that a person types; without the line's end. `undefined` at the end of the input.
   * @throws ABORTED
   */
  readLine(): Promise<string | undefined>
}

/** A program that shows a text page by page. */
export interface PagerCommand {
  /** For a shell; with `args` the program itself. */
  readonly line: string
  readonly args?: readonly string[]
}

/** A pager that runs. */
export interface HostPager {
  readonly output: HostOutput
  /** Aborts when it takes no more: the person has seen enough. */
  readonly gone: AbortSignal
  /** There is no more; waits until the person has left. Gives the exit code. */
  end(): Promise<number>
}

/** Everything that a command touches outside the store: so that a test can be the world. */
export interface Host {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where relative paths begin. Fails when it has been removed. */
  readonly folder: string
  readonly stdin: HostInput
  readonly stdout: HostOutput
  readonly stderr: HostOutput
  readonly clock: Clock
  readonly files: HostFiles
  /** On the terminal of stdout. `undefined` when there is no such program. */
  startPager(command: PagerCommand): Promise<HostPager | undefined>
  /** Aborts at the first Ctrl-C. */
  readonly interrupted: AbortSignal
}
