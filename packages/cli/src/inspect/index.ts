/** What the files of a store say, one file at a time, whether the rest of the store is whole or not. */
export type { Finding } from './finding.ts'
export { inspectFile } from './inspected-file.ts'
