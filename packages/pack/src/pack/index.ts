/**
 * Bytes at virtual offsets: records in the log's chunks and in a generation's segments, how they are framed,
 * written, found, and read, and the control file that names the files. What the bodies say is the objects'
 * matter.
 */
export * from './blocks/index.ts'
export * from './checkpoint/index.ts'
export * from './control/index.ts'
export * from './frame/index.ts'
export * from './index/index.ts'
export * from './log/index.ts'
export * from './read/index.ts'
export * from './scan/index.ts'
export * from './segment/index.ts'
export * from './volume/index.ts'
