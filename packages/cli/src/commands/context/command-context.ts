import type { Host } from '../../host/index.ts'
import type { GlobalOptions, Output } from '../../terminal/index.ts'

/** What a command is given: the world, what all commands understand, and where its data goes. */
export interface CommandContext {
  readonly host: Host
  readonly options: GlobalOptions
  readonly output: Output
  readonly signal: AbortSignal
}

/** Done, with findings. */
export const EXIT_FINDINGS = 3
