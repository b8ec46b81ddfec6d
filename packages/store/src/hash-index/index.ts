/** Where a hash is: tables of open chunks and index files of sealed ones, behind one look-up. */
export { HashIndex, type IndexHit } from './hash-index.ts'
