/** A part of a store, or all of it, as a new store of its own. */
export { Copier, type CopierOptions } from './copier.ts'
