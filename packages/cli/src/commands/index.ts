/** The command tree: arguments in, the right command loaded and run, an exit code out. */
export { completionLines, run } from './run.ts'
