/** What leaves the upper layer, on its way into a volume. */

export { Archive, type ArchiveOptions, type PackToArchive } from './archive.ts'
