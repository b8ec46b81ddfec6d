import { VarveError } from '@varve/pack/errors'
import { type Directory, hasCode } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import {
  type ControlSegment,
  type ControlVolume,
  decodeManifest,
  manifestSum,
  type VolumeChunk,
  type VolumeManifest,
} from '@varve/pack/pack'
import { lowerFailure } from './lower-failure.ts'

/** A file that was put into the volume, by its name there. */
export interface ArchivedFile {
  readonly name: string
  /** At least so many bytes; `undefined`: any. */
  readonly bytes: number | undefined
}

/** What is about to be put there, and the chunks that lie in the upper layer, which may have been before. */
export interface VolumeNeeds {
  readonly chunks: readonly VolumeChunk[]
  readonly segments: readonly ControlSegment[]
  readonly present: readonly VolumeChunk[]
  /** Whether a pack file that lies there, if it does, has the bytes of the one in the upper layer. */
  readonly isSame: (name: string, length: number) => Promise<boolean>
}

/**
 * The folder of the volume that is being written. Another may be in its place from one call to the next, so
 * what deletes or counts on something looks first whether it is the one that control means.
 */
export class VolumeFolder {
  readonly name: string
  readonly #directory: Directory
  readonly #named: ControlVolume
  readonly #storeId: string

  /** @param storeId 32 hexadecimal digits */
  constructor(directory: Directory, named: ControlVolume, storeId: string) {
    this.name = fileName.volume(named.id)
    this.#directory = directory
    this.#named = named
    this.#storeId = storeId
  }

  /** @throws LOWER_UNAVAILABLE when it is another one, or none; CORRUPT, GC_FAILED with reason 'lower' */
  async assertMeant(): Promise<void> {
    const { id, manifest: sequence, checksum } = this.#named
    const file = fileName.manifest(sequence)
    const found = await this.#manifest(file)
    const isMeant = found.storeId === this.#storeId && found.id === id && manifestSum(found) === checksum
    if (isMeant) return
    const { path } = this.#directory
    const message = `The lower layer at ${path} cannot be used: ${this.name}/${file} is another one's`
    throw new VarveError('LOWER_UNAVAILABLE', { path }, { message })
  }

  /**
   * Deletes what collections that came to nothing have left here: pack files that no manifest names, and all
   * under the names that are needed now. Gives the sequence of the next manifest.
   * @throws GC_FAILED with reason 'lower' when another writer's archive is here; LOWER_UNAVAILABLE
   */
  async clear(manifest: VolumeManifest, needs: VolumeNeeds): Promise<number> {
    const names = await this.#lower(() => this.#directory.list(this.name))
    const named = numbersOf(manifest)
    const wanted = numbersOf(needs)
    let highest = manifest.sequence
    for (const name of names) {
      const file = classifyFile(name)
      if (file.kind !== 'manifest' || file.number <= manifest.sequence) continue
      highest = Math.max(highest, file.number)
      const newer = await this.#tryManifest(name)
      if (newer === undefined) continue
      const isOurs = isLeftOver(newer, manifest, needs) && (await hasSameFiles(newer, manifest, needs))
      if (!isOurs) throw strange(`${this.name}/${name}`)
      for (const number of numbersOf(newer)) named.add(number)
    }
    for (const name of names) {
      const file = classifyFile(name)
      if (!('number' in file) || file.kind === 'manifest') continue
      if (named.has(file.number) && !wanted.has(file.number)) continue
      await this.#lower(() => this.#directory.remove(`${this.name}/${name}`))
    }
    return highest + 1
  }

  /**
   * Whether everything that was put here has come to rest in one and the same folder.
   * @throws GC_FAILED with reason 'lower', LOWER_UNAVAILABLE
   */
  async assertHolds(files: readonly ArchivedFile[]): Promise<void> {
    for (const { name, bytes } of files) {
      const path = `${this.name}/${name}`
      const found = await this.#lower(() => this.#directory.stat(path))
      if (found !== undefined && found.size >= (bytes ?? 0)) continue
      const message = `The collection failed (lower): ${path} is not there any more as it was written`
      throw new VarveError('GC_FAILED', { reason: 'lower' }, { message })
    }
  }

  /**
   * Deletes what one collection has put here, its manifest first: without it the others are nothing. Nothing
   * happens where that cannot be done, or where another writer has been since; the next archive clears up.
   */
  async remove(files: readonly ArchivedFile[]): Promise<void> {
    const ours = new Set(files.map(({ name }) => name))
    try {
      await this.assertMeant()
      const names = await this.#directory.list(this.name)
      if (names.some((name) => this.#isNewer(name) && !ours.has(name))) return
      for (const name of [...ours].reverse())
        await this.#directory.remove(`${this.name}/${name}`).catch(() => {})
    } catch {}
  }

  #isNewer(name: string): boolean {
    const file = classifyFile(name)
    return file.kind === 'manifest' && file.number > this.#named.manifest
  }

  /** `undefined`: it is not whole, or gone. */
  async #tryManifest(name: string): Promise<VolumeManifest | undefined> {
    try {
      return await this.#manifest(name)
    } catch (error) {
      if (VarveError.is(error, 'CORRUPT')) return undefined
      throw error
    }
  }

  async #manifest(name: string): Promise<VolumeManifest> {
    const path = `${this.name}/${name}`
    try {
      return decodeManifest(await this.#directory.readFile(path), path)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw lowerFailure(error)
      const { path: lower } = this.#directory
      const message = `The lower layer at ${lower} cannot be used: ${path} is not there`
      throw new VarveError('LOWER_UNAVAILABLE', { path: lower }, { message, cause: error })
    }
  }

  async #lower<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw lowerFailure(error)
    }
  }
}

/**
 * Files of one number and length may have other bytes where two copies of a store went on alike. What would
 * be overwritten is looked at, which is rare enough.
 */
async function hasSameFiles(
  newer: VolumeManifest,
  manifest: VolumeManifest,
  { segments, isSame }: VolumeNeeds,
): Promise<boolean> {
  const archived = numbersOf(manifest)
  const wanted = new Set(segments.map(({ number }) => number))
  for (const { number, length } of newer.chunks)
    if (!archived.has(number) && !(await isSame(fileName.chunk(number), length))) return false
  for (const { number, bytes } of newer.segments)
    if (wanted.has(number) && !(await isSame(fileName.segment(number), bytes))) return false
  return true
}

function numbersOf({ chunks, segments }: Pick<VolumeManifest, 'chunks' | 'segments'>): Set<number> {
  return new Set([...chunks, ...segments].map(({ number }) => number))
}

/**
 * Whether an archive that came to nothing can have written a manifest: what it lists is still in the upper
 * layer, and nothing else goes by a number that is needed now. Otherwise control is older than the volume, or
 * a copy of the store has been writing here.
 */
function isLeftOver(newer: VolumeManifest, manifest: VolumeManifest, needs: VolumeNeeds): boolean {
  if (newer.storeId !== manifest.storeId || newer.id !== manifest.id) return false
  const archived = numbersOf(manifest)
  const segments = new Map(needs.segments.map((each) => [each.number, each]))
  const isPresent = (chunk: VolumeChunk): boolean =>
    needs.present.some(
      ({ number, base, length }) => number === chunk.number && base === chunk.base && length === chunk.length,
    )
  return (
    newer.chunks.every((chunk) => archived.has(chunk.number) || isPresent(chunk)) &&
    newer.segments.every((each) => {
      const wanted = segments.get(each.number)
      return wanted === undefined || (wanted.low === each.low && wanted.bytes === each.bytes)
    })
  )
}

function strange(name: string): VarveError {
  const message =
    `The collection failed (lower): ${name} is newer than what this store's control names, and not its own. ` +
    'A copy of the store has archived there; advanced.addVolume() begins a volume apart from it.'
  return new VarveError('GC_FAILED', { reason: 'lower' }, { message })
}
