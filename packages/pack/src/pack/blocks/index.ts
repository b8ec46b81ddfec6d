/** Blocks of files in bounded memory, and the files they come from, shared by all who read from them. */

export { Block, blockBytes, indexBlockBytes, slotBytes } from './block.ts'
export { BlockCache } from './block-cache.ts'
export type { BlockSource } from './block-source.ts'
export type { BlockTable } from './block-table.ts'
export { fileKey, type PackFileKind } from './file-key.ts'
export { FileRetirer, type RetiredFile } from './file-retirer.ts'
export { writeNewFile } from './new-file.ts'
export { PackFile, type PackFileOptions } from './pack-file.ts'
