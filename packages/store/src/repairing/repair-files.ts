/**
 * Files made whole while nobody has the store open. What is in the way is renamed to `<name>.damaged-<k>`, a
 * name that the store never touches; nothing is overwritten and nothing deleted.
 */
import { IndexThread } from '@varve/gc-worker'
import { VarveError } from '@varve/pack/errors'
import { atomicReplace, type FileSystem } from '@varve/pack/fs'
import { classifyFile, fileName } from '@varve/pack/layout'
import {
  BlockCache,
  type ControlState,
  decodeControl,
  decodeManifest,
  encodeControl,
  encodeManifest,
  FileRetirer,
  IndexFile,
  type PackFilter,
  Segment,
  writeFilters,
  writeNewFile,
} from '@varve/pack/pack'
import { linkOrCopy } from '../copies/index.ts'
import { rebuildSegmentIndex } from '../maintenance/index.ts'
import type { FileCopies, LayerPlace } from './duplicates/index.ts'
import { type FileMends, withPatchedPieces } from './mending/index.ts'
import type { RepairStep } from './repair-step.ts'

const cacheBytes = 4 << 20

export interface FileRepairParts {
  readonly fs: FileSystem
  readonly folder: string
  /** Folder of the lower layer, of a store that has one. */
  readonly lower: string | undefined
  readonly control: ControlState
  /** What is to be made of each layer: by prefix of its names. */
  readonly layers: ReadonlyMap<string, LayerPlace>
  /** What `restore` takes from. */
  readonly copies: FileCopies
  /** What damaged chunks are made of; before a copy of the whole file. */
  readonly mends: FileMends
  readonly where: 'thread' | 'inline' | undefined
}

export class FileRepair {
  readonly setAside: string[] = []
  readonly #o: FileRepairParts

  constructor(o: FileRepairParts) {
    this.#o = o
  }

  /** @throws what the disk says, CORRUPT when what it is to be made of is damaged too */
  async take(step: RepairStep): Promise<void> {
    const { file } = step
    if (file === undefined) return
    const { folder, prefix, name } = this.#placeOf(file)
    const kind = classifyFile(name)
    if (step.action === 'restore' || kind.kind === 'chunk') return this.#restore(file)
    if (step.action === 'rewrite') {
      const bytes = await this.#o.fs.readFile(`${folder}/${name}`)
      const whole =
        kind.kind === 'control'
          ? encodeControl(decodeControl(bytes).state)
          : encodeManifest(decodeManifest(bytes, file))
      await this.#rewrite(folder, { prefix, name, bytes, whole })
    } else if ('number' in kind) {
      await this.#replace(folder, prefix, name, (path) => this.#rebuild(path, prefix, kind))
    }
  }

  /** Renames a folder that is made anew by the next opening. */
  async setAsideFolder(name: string): Promise<void> {
    await this.#moveAside(this.#o.folder, '', name)
    await this.#o.fs.syncFolder(this.#o.folder)
  }

  /** At no moment there is no such file, unless there was none. */
  async #restore(file: string): Promise<void> {
    const { fs, mends, copies } = this.#o
    const { folder, prefix, name } = this.#placeOf(file)
    const mend = mends.get(file)
    const source = mend === undefined ? copies.get(file)?.path : `${folder}/${name}`
    const kind = classifyFile(name)
    if (source === undefined || !('number' in kind)) throw new VarveError('CORRUPT', { file, offset: 0 })
    // A name that the next opening, or the next repair, removes; none but this file has the number.
    const temporary = `${folder}/${fileName.spill(kind.number)}`
    if ((await fs.stat(temporary)) !== undefined) await fs.remove(temporary)
    await withPatchedPieces(fs, source, mend?.patches ?? [], (pieces) => writeNewFile(fs, temporary, pieces))
    try {
      const aside = await this.#copyAside(folder, name)
      if (aside !== undefined) this.setAside.push(prefix + aside)
      // A power cut must not keep the renaming and lose the other name of what was there.
      await fs.syncFolder(folder)
      await fs.rename(temporary, `${folder}/${name}`)
    } catch (error) {
      await Promise.allSettled([fs.remove(temporary)])
      throw error
    }
    await fs.syncFolder(folder)
  }

  /** The name under which it lies a second time; `undefined`: there is no such file. */
  async #copyAside(folder: string, name: string): Promise<string | undefined> {
    const { fs } = this.#o
    const from = `${folder}/${name}`
    if ((await fs.stat(from)) === undefined) return undefined
    const aside = await this.#freeName(folder, name)
    const to = `${folder}/${aside}`
    try {
      await linkOrCopy(fs, { from, to, bytes: undefined, signal: new AbortController().signal })
      return aside
    } catch (error) {
      // A part of a copy would be taken for all that there was.
      await Promise.allSettled([fs.remove(to)])
      throw error
    }
  }

  /** At no moment there is no such file: without control there would be no store. */
  async #rewrite(
    folder: string,
    file: { readonly prefix: string; readonly name: string; readonly bytes: Buffer; readonly whole: Buffer },
  ): Promise<void> {
    const { fs } = this.#o
    const aside = await this.#freeName(folder, file.name)
    await writeNewFile(fs, `${folder}/${aside}`, [file.bytes])
    this.setAside.push(file.prefix + aside)
    await atomicReplace(fs, folder, file.name, file.whole)
  }

  async #rebuild(path: string, prefix: string, file: { kind: string; number: number }): Promise<void> {
    const { fs, control, where } = this.#o
    const layer = this.#o.layers.get(prefix)
    if (file.kind === 'filter') return this.#rebuildFilter(file.number)
    if (layer === undefined) throw new VarveError('CORRUPT', { file: path, offset: 0 })
    const chunk = layer.chunks.find(({ number }) => number === file.number)
    if (chunk !== undefined) {
      await using thread = new IndexThread({ fileSystem: fs, where })
      await thread.build({ dir: layer.folder, storeId: control.storeId, chunk })
      return
    }
    const info = layer.segments.find(({ number }) => number === file.number)
    if (info === undefined) throw new VarveError('CORRUPT', { file: path, offset: 0 })
    const retirer = new FileRetirer(fs, () => {})
    const cache = new BlockCache({ bytesMax: cacheBytes })
    const storeId = Buffer.from(control.storeId, 'hex')
    const segment = await Segment.open(fs, { folder: layer.folder, info, storeId, cache, retirer })
    try {
      await rebuildSegmentIndex({ fs, folder: layer.folder, storeId, segment })
    } finally {
      segment.release()
      await retirer.drained()
    }
  }

  async #rebuildFilter(number: number): Promise<void> {
    const { fs, folder, control } = this.#o
    const volume = control.volumes.find(({ filters }) => filters.includes(number))
    const layer = this.#o.layers.get(`${fileName.volume(volume?.id ?? 0)}/`)
    if (volume === undefined || layer === undefined)
      throw new VarveError('CORRUPT', { file: folder, offset: 0 })
    const storeId = Buffer.from(control.storeId, 'hex')
    const filters: PackFilter[] = []
    const retirer = new FileRetirer(fs, () => {})
    const packs = [
      ...layer.chunks.map((chunk) => ({ number: chunk.number, name: fileName.chunkIndex(chunk.number) })),
      ...layer.segments.map(({ number }) => ({ number, name: fileName.segmentIndex(number) })),
    ]
    for (const { number: pack, name } of packs) {
      const cache = new BlockCache({ bytesMax: cacheBytes })
      const place = { folder: layer.folder, name, number: pack, storeId, cache, retirer }
      const index = await IndexFile.open(fs, place)
      if (index === undefined) throw new VarveError('CORRUPT', { file: name, offset: 0 })
      filters.push({ number: pack, filter: index.filter })
      index.release()
    }
    await retirer.drained()
    await writeFilters(fs, { folder, number, storeId, volume: volume.id }, filters)
  }

  async #replace(
    folder: string,
    prefix: string,
    name: string,
    make: (path: string) => Promise<void>,
  ): Promise<void> {
    const { fs } = this.#o
    const aside = await this.#moveAside(folder, prefix, name)
    try {
      await make(`${folder}/${name}`)
    } catch (error) {
      // As it was: damaged is better than gone.
      if (aside !== undefined) await fs.rename(`${folder}/${aside}`, `${folder}/${name}`)
      if (aside !== undefined) this.setAside.pop()
      throw error
    }
    await fs.syncFolder(folder)
  }

  /** The name that it has now; `undefined`: there was nothing. */
  async #moveAside(folder: string, prefix: string, name: string): Promise<string | undefined> {
    const { fs } = this.#o
    if ((await fs.stat(`${folder}/${name}`)) === undefined) return undefined
    const aside = await this.#freeName(folder, name)
    await fs.rename(`${folder}/${name}`, `${folder}/${aside}`)
    this.setAside.push(prefix + aside)
    return aside
  }

  async #freeName(folder: string, name: string): Promise<string> {
    const names = new Set(await this.#o.fs.list(folder))
    let k = 1
    while (names.has(`${name}.damaged-${k}`)) k++
    return `${name}.damaged-${k}`
  }

  #placeOf(file: string): { folder: string; prefix: string; name: string } {
    const slash = file.indexOf('/')
    const prefix = file.slice(0, slash + 1)
    const name = file.slice(slash + 1)
    const folder = prefix === '' ? this.#o.folder : `${this.#o.lower}/${prefix.slice(0, -1)}`
    return { folder, prefix, name }
  }
}
