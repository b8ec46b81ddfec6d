/** What a command says: data on stdout, everything else on stderr, for eyes or for programs. */
export { CommandFailure, type FailureCode } from './command-failure.ts'
export { confirm } from './confirmation.ts'
export { reportFailure } from './failure-report.ts'
export type { GlobalOptions } from './global-options.ts'
export { type Cell, type JsonRecord, type Listing, Output } from './output.ts'
export { type ColorChoice, type Palette, paletteFor, plain } from './palette.ts'
export { type ProgressView, progressView, type Step } from './progress-view.ts'
export { firstLine, shownLines, shownName } from './shown-text.ts'
