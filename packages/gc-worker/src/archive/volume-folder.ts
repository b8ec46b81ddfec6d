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
  /** Whether the volume has something else under that name than the upper layer, up to a length. */
  readonly differs: (name: string, length?: number) => Promise<boolean>
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
    const files = (await this.#lower(() => this.#directory.list(this.name))).map((name) => ({
      name,
      file: classifyFile(name),
    }))
    const manifests = files.flatMap(({ file }) => (file.kind === 'manifest' ? [file.number] : []))
    for (const sequence of manifests) {
      if (sequence > manifest.sequence) await this.#assertLeftOver(sequence, manifest, needs)
    }
    const archived = numbersOf(manifest)
    const extra = files.flatMap(({ name, file }) => {
      const isPack = 'number' in file && file.kind !== 'manifest'
      return isPack && !archived.has(file.number) ? [{ name, number: file.number }] : []
    })
    const wanted = numbersOf(needs)
    // Nearly always there is nothing else, and then the other manifests need not be read.
    const isMore = extra.some(({ number }) => !wanted.has(number))
    const named = isMore ? await this.#namedBy(manifests) : archived
    for (const { name, number } of extra) {
      if (named.has(number) && !wanted.has(number)) continue
      await this.#lower(() => this.#directory.remove(`${this.name}/${name}`))
    }
    return Math.max(manifest.sequence, ...manifests) + 1
  }

  /**
   * A manifest that control does not name yet may be that of an archive which came to nothing: then what it
   * lists is still in the upper layer, and here, if a power cut has left it. Otherwise a copy of the store
   * has archived here, or control is an old one: what that manifest names is somebody's.
   */
  async #assertLeftOver(sequence: number, manifest: VolumeManifest, needs: VolumeNeeds): Promise<void> {
    const name = fileName.manifest(sequence)
    const newer = await this.#tryManifest(name)
    if (newer === undefined) return
    const archived = numbersOf(manifest)
    const wanted = numbersOf(needs)
    let isOurs = newer.storeId === manifest.storeId && newer.id === manifest.id
    for (const chunk of newer.chunks) {
      if (!isOurs) break
      if (archived.has(chunk.number)) continue
      const isThere = needs.present.some((each) => isSameChunk(each, chunk))
      isOurs = isThere && !(await needs.differs(fileName.chunk(chunk.number), chunk.length))
    }
    for (const { number } of newer.segments) {
      if (isOurs && wanted.has(number)) isOurs = !(await needs.differs(fileName.segment(number)))
    }
    if (!isOurs) throw strange(`${this.name}/${name}`)
  }

  async #namedBy(sequences: readonly number[]): Promise<Set<number>> {
    const named = new Set<number>()
    for (const sequence of sequences) {
      const found = await this.#tryManifest(fileName.manifest(sequence))
      if (found !== undefined) for (const number of numbersOf(found)) named.add(number)
    }
    return named
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

function numbersOf({ chunks, segments }: Pick<VolumeManifest, 'chunks' | 'segments'>): Set<number> {
  return new Set([...chunks, ...segments].map(({ number }) => number))
}

function isSameChunk(a: VolumeChunk, b: VolumeChunk): boolean {
  return a.number === b.number && a.base === b.base && a.length === b.length
}

function strange(name: string): VarveError {
  const message =
    `The collection failed (lower): ${name} is newer than what control names, and not this store's. ` +
    'A copy of the store has archived there; advanced.addVolume() begins a volume apart from it.'
  return new VarveError('GC_FAILED', { reason: 'lower' }, { message })
}
