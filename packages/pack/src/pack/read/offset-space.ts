import type { Location } from './location.ts'

/** What says where a virtual offset lies: an address space, or a part of one. */
export interface OffsetSpace {
  /** Fills in where the byte at the offset lies; false when no file holds it. */
  locate(offset: number, into: Location): boolean
}
