/** What of a damaged chunk is known all the same, and a file made of it. */

export { chunkMends, type FileMends, shutChunks } from './chunk-mends.ts'
export type { BodySource } from './mended-record.ts'
export type { Patch } from './patch.ts'
export { withPatchedPieces } from './patched-pieces.ts'
