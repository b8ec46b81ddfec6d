/** A batch with header and trailer has at most this many bytes; larger work goes out in several. */
export const batchBytesMax: number = 8 * 1024 * 1024

export const batchHeaderSize = 56

export const batchTrailerSize = 16
