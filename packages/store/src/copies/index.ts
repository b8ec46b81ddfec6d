/** Copies and backups of a store, made while it is in use. */
export { type CopiesParts, StoreCopies } from './store-copies.ts'
