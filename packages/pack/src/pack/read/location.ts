import type { PackFile } from '../blocks/index.ts'

/**
 * Where a virtual offset lies: filled by `AddressSpace.locate`, made once and used again for every look-up.
 */
export class Location {
  file: PackFile | undefined
  /** In the file, in bytes. */
  position = 0
}
