import type { PackFile } from '../blocks/index.ts'

const placeCount = 128
/** Larger records are assembled anew each time: copying costs less than keeping them. */
const recordBytesMax = 16_384

/** The last few records that lay across two blocks, whole and proved; at most 2 MiB. */
export class AssembledRecords {
  readonly #places: (Assembled | undefined)[] = new Array<undefined>(placeCount).fill(undefined)

  get(file: PackFile, position: number): Buffer | undefined {
    const found = this.#places[placeOf(file, position)]
    return found !== undefined && found.file === file && found.position === position ? found.bytes : undefined
  }

  add(file: PackFile, position: number, bytes: Buffer): void {
    if (bytes.length <= recordBytesMax) this.#places[placeOf(file, position)] = { file, position, bytes }
  }
}

interface Assembled {
  readonly file: PackFile
  readonly position: number
  readonly bytes: Buffer
}

function placeOf(file: PackFile, position: number): number {
  // Such records begin near the end of a block, so the block's index tells them apart.
  return ((position >>> 16) ^ (file.number * 37)) & (placeCount - 1)
}
