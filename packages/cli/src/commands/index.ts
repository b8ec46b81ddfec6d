/** The command tree: arguments in, the right command loaded and run, an exit code out. */
export { makeProgram, type Program } from './program.ts'
export { run } from './run.ts'
export { version } from './version.ts'
