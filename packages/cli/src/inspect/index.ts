/** What the files of a store say, one file at a time, whether the rest of the store is whole or not. */
export type { Finding } from './finding.ts'
export { type InspectOptions, inspectFile } from './inspected-file.ts'
export { rebuiltFile } from './rebuilt-file.ts'
export type { FindingRow } from './rows/finding-row.ts'
export { findingRows } from './rows/finding-rows.ts'
