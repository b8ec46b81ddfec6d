import { VarveError } from '@varve/pack/errors'
import { readFullySync } from '@varve/pack/fs'
import { BlockCache, type IndexBuilder, IndexFile } from '@varve/pack/pack'
import type { Findings } from '../findings.ts'
import type { Layer } from './layer.ts'

const cacheBytes = 1024 * 1024

export interface IndexedPackFile {
  readonly layer: Layer
  readonly findings: Findings
  /** Of the pack file. */
  readonly number: number
  readonly packLength: number
  /** What the pack file holds as far as it is whole. */
  readonly builder: IndexBuilder
  /** Virtual ranges of the pack file in which something is damaged: nothing is compared there. */
  readonly damage: readonly { readonly start: number; readonly end: number }[]
  /** Of a segment, whose index alone knows which objects were kept for their age. */
  readonly segment: { readonly healed: readonly number[] } | undefined
}

/**
 * Compares an index with its pack file. Nearly always the two are what one makes of the other, byte by byte;
 * if not, what is wrong is found out.
 */
export async function checkIndex(o: IndexedPackFile): Promise<void> {
  const { layer, number, findings } = o
  const file = layer.indexes.get(number)
  if (file === undefined) return useOwn(o)
  const bytes = Buffer.allocUnsafeSlow(file.end)
  let present: IndexFile | undefined
  try {
    const read = readFullySync(file.handle, bytes, 0, bytes.length, 0)
    present = open(o, file.name, bytes.subarray(0, read))
    await present.verify()
    const known = addKnown(o, present)
    const expected = encode(o)
    if (!expected.equals(bytes)) compare(o, present, open(o, file.name, expected), known)
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    findings.corrupt(layer.files.prefix, error, 'the index is damaged', true)
    useOwn(o)
  } finally {
    present?.release()
  }
}

/** The index is damaged or not there: copies are looked up in what the pack file itself has told. */
function useOwn(o: IndexedPackFile): void {
  o.layer.useIndex(o.number, encode(o))
}

function encode({ builder, layer, number, packLength }: IndexedPackFile): Buffer {
  return builder.encode({ number, storeId: layer.storeId, packLength })
}

/** In a cache of its own: two of one number are compared. */
function open({ layer, number }: IndexedPackFile, name: string, bytes: Buffer): IndexFile {
  const cache = new BlockCache({ bytesMax: cacheBytes })
  return IndexFile.ofBytes(bytes, { ...layer.indexPlace(number, name), cache })
}

/** Tells the builder of a segment's index what only the index knows; true if that is all there is to tell. */
function addKnown({ segment, builder }: IndexedPackFile, present: IndexFile): boolean {
  if (segment === undefined) return true
  const { offsets, times } = present.touched()
  for (const [i, offset] of offsets.entries()) builder.addTouched(offset, times[i] as number)
  // In the order in which they were copied, which the pack file does not tell.
  const healed = present.healedOffsets()
  for (const offset of healed) builder.addHealed(offset)
  return sameNumbers([...healed], segment.healed)
}

function compare(o: IndexedPackFile, present: IndexFile, expected: IndexFile, isKnown: boolean): void {
  const isWhole = o.damage.length === 0
  const isSound = (offset: number): boolean => !o.damage.some((d) => offset >= d.start && offset < d.end)
  const { onlyA: missing, onlyB: surplus } = differences(
    new Entries(expected, isSound),
    new Entries(present, isSound),
  )
  const wrong: string[] = []
  if (missing > 0) wrong.push(`${missing} objects of its pack file are not in it`)
  if (surplus > 0) wrong.push(`${surplus} of its entries are of no object`)
  const lists = [present.metadataOffsets(), expected.metadataOffsets()].map((l) => [...l].filter(isSound))
  if (!sameNumbers(lists[0] as number[], lists[1] as number[])) wrong.push('its list of metadata is another')
  if (isWhole && !isKnown) wrong.push('its list of healed nodes is another')
  if (isWhole && present.packLength !== o.packLength) wrong.push(`it covers ${present.packLength} bytes only`)
  if (isWhole && o.segment === undefined && !sameTouched(present, expected)) {
    wrong.push('its list of touched objects is another')
  }
  if (missing > 0 || surplus > 0) o.layer.useIndex(o.number, encode(o))
  const name = o.layer.named(present.name)
  if (wrong.length > 0) o.findings.error(name, 0, wrong.join('; '), true)
  else if (isWhole)
    o.findings.warning(name, 0, 'a byte that should be zero is not, or entries are in another order')
  expected.release()
}

/** The entries of an index in their order: by hash, kind, and offset. */
class Entries {
  readonly high: Uint32Array
  readonly low: Uint32Array
  readonly kinds: Uint8Array
  readonly offsets: Float64Array
  count = 0

  constructor(index: IndexFile, isSound: (offset: number) => boolean) {
    this.high = new Uint32Array(index.count)
    this.low = new Uint32Array(index.count)
    this.kinds = new Uint8Array(index.count)
    this.offsets = new Float64Array(index.count)
    index.forEach((kind, offset, high, low) => {
      if (!isSound(offset) || this.count === index.count) return
      const i = this.count++
      this.high[i] = high
      this.low[i] = low
      this.kinds[i] = kind
      this.offsets[i] = offset
    })
  }

  /** Negative: entry `i` comes before entry `k` of the other; 0: they are the same. */
  order(i: number, other: Entries, k: number): number {
    return (
      (this.high[i] as number) - (other.high[k] as number) ||
      (this.low[i] as number) - (other.low[k] as number) ||
      (this.kinds[i] as number) - (other.kinds[k] as number) ||
      (this.offsets[i] as number) - (other.offsets[k] as number)
    )
  }
}

/** How many entries only one of the two has. */
function differences(a: Entries, b: Entries): { readonly onlyA: number; readonly onlyB: number } {
  let [onlyA, onlyB] = [0, 0]
  let k = 0
  for (let i = 0; i < a.count; i++) {
    while (k < b.count && a.order(i, b, k) > 0) {
      onlyB++
      k++
    }
    if (k < b.count && a.order(i, b, k) === 0) k++
    else onlyA++
  }
  return { onlyA, onlyB: onlyB + b.count - k }
}

function sameTouched(a: IndexFile, b: IndexFile): boolean {
  const [one, other] = [a.touched(), b.touched()]
  return sameNumbers([...one.offsets], [...other.offsets]) && sameNumbers([...one.times], [...other.times])
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false
  const [one, other] = [a.toSorted(ascending), b.toSorted(ascending)]
  return one.every((value, i) => value === other[i])
}

function ascending(a: number, b: number): number {
  return a - b
}
