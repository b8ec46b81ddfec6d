import type { FileSystem } from '@varve/pack/fs'
import type { FileBytes } from '../file-bytes.ts'

/** The file that is read, and where it lies. */
export interface Subject {
  readonly fs: FileSystem
  readonly folder: string
  readonly name: string
  readonly file: FileBytes
}
