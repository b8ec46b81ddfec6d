/** The rooms of a store that is opened only to read. */
export { FollowingRooms } from './following-rooms.ts'
