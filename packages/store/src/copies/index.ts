/** Copies and backups of a store, made while it is in use. */
export { linkOrCopy } from './link-or-copy.ts'
export { type CopiesParts, StoreCopies } from './store-copies.ts'
