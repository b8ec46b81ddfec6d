/** What leaves the upper layer, on its way into a volume. */

export type { Archive } from './archive.ts'
export { openArchive } from './archive-of-job.ts'
