export interface FileStat {
  readonly kind: 'file' | 'folder' | 'other'
  /** In bytes; of a folder, whatever the disk says. */
  readonly size: number
  /** Two names with the same inode on one disk are the same file. */
  readonly inode: number
  /** When the bytes last changed, in milliseconds since 1970, with fractions. */
  readonly modifiedMs: number
}
