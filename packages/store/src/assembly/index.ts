/** How the rooms of a store are made, joined, and taken apart. Nothing else constructs them. */
export { closeRooms } from './close-rooms.ts'
export { FollowingRooms } from './following/index.ts'
export { openRooms } from './open-rooms.ts'
export type { ReaderRooms } from './reader-rooms.ts'
export {
  readingOptions,
  type StoreOptions,
  type StorePlatform,
  storeOptions,
} from './store-options.ts'
export type { StoreRooms } from './store-rooms.ts'
