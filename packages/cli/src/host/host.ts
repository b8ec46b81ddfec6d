import type { Clock } from '@varve/pack/base'
import type { HostFiles } from './host-files.ts'

/** Text or bytes to a terminal, a pipe, or a file. */
export interface HostOutput {
  readonly isTerminal: boolean
  /** Columns of the terminal; 80 when it does not say. */
  readonly columns: number
  /** Resolves when more may be written. After the reader has gone, writes do nothing. */
  write(content: string | Uint8Array): Promise<void>
}

export interface HostInput {
  readonly isTerminal: boolean
  /** To its end; once only. */
  read(): AsyncIterable<Uint8Array>
  /** One line that a person types; without the line's end. `undefined` at the end of the input. */
  readLine(): Promise<string | undefined>
}

/** Everything that a command touches outside the store: so that a test can be the world. */
export interface Host {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where relative paths begin. */
  readonly folder: string
  readonly stdin: HostInput
  readonly stdout: HostOutput
  readonly stderr: HostOutput
  readonly clock: Clock
  readonly files: HostFiles
  /** Aborts at the first Ctrl-C. */
  readonly interrupted: AbortSignal
}
