/** Takes a bundle in, from whomever it comes: nothing in it is believed before it is proved. */
import { loadXxh64, nextTurn } from '@varve/pack/base'
import { throwIfAborted, VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import {
  ContentHasher,
  type IndexKind,
  indexKind,
  indexKindOf,
  MalformedBody,
  type RawHash,
  type RecordKind,
  rawToHex,
  recordKind,
} from '@varve/pack/objects'
import {
  type BundleHeader,
  decodeHeaderRest,
  decodeObjectHeader,
  decodePreamble,
  decodeTrailer,
  isWholeObject,
  mayBeBundle,
  objectHeaderBytes,
  preambleBytes,
  trailerBodyBytes,
  trailerKind,
} from './bundle-format.ts'
import type { BundleSink } from './bundle-sink.ts'
import { ByteSource } from './byte-source.ts'
import { FileSink, piecesOf } from './file-sink.ts'
import { type ObjectFacts, ObjectTable } from './object-table.ts'
import { proveContent } from './prove-content.ts'
import { type Finder, proveObject } from './prove-object.ts'

/** Objects between two turns of the event loop. */
const objectsPerTurn = 256

export interface ReadBundleOptions {
  /** What errors call it. */
  readonly name: string
  readonly signal: AbortSignal | undefined
  readonly onProgress: (objects: number, bytes: number) => void
}

export interface BundleContents extends BundleHeader {
  readonly objects: number
  readonly commits: number
  readonly bytes: number
}

/**
 * Proves the bundle, object by object, and gives each to the sink once what it refers to is there. Memory:
 * some 100 bytes for each object, and one object. When it rejects, the sink may have objects that nothing
 * refers to.
 * @throws CORRUPT naming the place in the bundle, NEWER_FORMAT, UNKNOWN_COMMIT, ABORTED
 */
export async function readBundle(
  pieces: AsyncIterable<Uint8Array>,
  sink: BundleSink,
  o: ReadBundleOptions,
): Promise<BundleContents> {
  await loadXxh64()
  const source = new ByteSource(pieces)
  try {
    return await new BundleRead(source, sink, o).run()
  } finally {
    await source.close()
  }
}

/**
 * Proves a bundle that lies in a file. One with prerequisites is proved as far as that goes without what they
 * hold.
 * @throws CORRUPT, NEWER_FORMAT, ABORTED, and what the file system throws
 */
export async function proveBundle(
  fs: FileSystem,
  path: string,
  o: ReadBundleOptions,
): Promise<BundleContents> {
  const handle = await fs.open(path, 'read')
  try {
    return await readBundle(piecesOf(handle), new FileSink(handle), o)
  } finally {
    await handle.close()
  }
}

interface ReadObject {
  readonly kind: RecordKind
  readonly hash: RawHash
  readonly canonical: Buffer
  readonly position: number
}

class BundleRead {
  readonly #source: ByteSource
  readonly #sink: BundleSink
  readonly #o: ReadBundleOptions
  readonly #hasher = new ContentHasher()
  readonly #table = new ObjectTable()
  #header: BundleHeader = { prerequisites: [], tips: [] }
  #commits = 0
  /** Where the piece begins that is looked at. */
  #at = 0

  constructor(source: ByteSource, sink: BundleSink, o: ReadBundleOptions) {
    this.#source = source
    this.#sink = sink
    this.#o = o
  }

  async run(): Promise<BundleContents> {
    this.#header = await this.#readHeader()
    await this.#sink.begin(this.#header)
    for (let object = await this.#next(); object !== undefined; object = await this.#next()) {
      throwIfAborted(this.#o.signal)
      // What comes out of memory would never let anybody else in.
      if (this.#table.size % objectsPerTurn === 0) await nextTurn()
      await this.#sink.ready()
      await this.#take(object)
      this.#o.onProgress(this.#table.size, this.#source.position)
    }
    if (!(await this.#source.isAtEnd())) this.#fail('something follows its end')
    this.#checkTips()
    const bytes = this.#source.position
    return { ...this.#header, objects: this.#table.size, commits: this.#commits, bytes }
  }

  async #readHeader(): Promise<BundleHeader> {
    const preamble = await this.#source.take(preambleBytes)
    if (!mayBeBundle(preamble)) this.#fail('it does not begin like one')
    if (preamble.length < preambleBytes) this.#fail('it ends too soon')
    const { restBytes } = decodePreamble(preamble, this.#fail)
    const rest = await this.#piece(restBytes)
    this.#hasher.update(preamble).update(rest)
    return decodeHeaderRest(preamble, rest, this.#fail)
  }

  /** `undefined` after the trailer. */
  async #next(): Promise<ReadObject | undefined> {
    this.#at = this.#source.position
    const frame = await this.#piece(objectHeaderBytes)
    const { kind, length, hash } = decodeObjectHeader(frame, this.#fail)
    const position = this.#source.position
    const canonical = await this.#piece(length)
    if (!isWholeObject(frame, canonical, this.#table.size + 1)) this.#fail('an object is damaged')
    if (kind === trailerKind) {
      this.#checkTrailer(hash, canonical)
      return undefined
    }
    this.#hasher.update(frame).update(canonical)
    return { kind, hash, canonical, position }
  }

  async #take(object: ReadObject): Promise<void> {
    const { kind, hash, position } = object
    const under = indexKindOf(kind) as IndexKind
    if (this.#table.has(under, hash)) this.#fail('an object comes twice', hash)
    try {
      const { body, referenceCount, facts } = proveObject(object, this.#finder)
      if (kind === recordKind.bigBlob) {
        const view = { buf: body, start: 0, end: body.length, referenceCount }
        await proveContent(hash, view, this.#finder, this.#o.signal)
        await this.#sink.ready()
      }
      const place = this.#sink.put({ kind, hash, body, referenceCount, position })
      this.#table.add(under, hash, { ...facts, place })
      if (kind === recordKind.commit) this.#commits++
    } catch (error) {
      if (error instanceof MalformedBody) this.#fail(error.message, hash)
      throw error
    }
  }

  readonly #finder: Finder = {
    find: (kind, hash) => this.#find(kind, hash),
    read: (kind, hash, place) => this.#sink.read(kind, hash, place),
  }

  /** Only a bundle with prerequisites may rely on what is there. */
  #find(kind: IndexKind, hash: RawHash): ObjectFacts | undefined {
    const known = this.#table.get(kind, hash)
    if (known !== undefined) return known
    const isOpen = this.#header.prerequisites.length > 0
    const found = isOpen ? this.#sink.find(kind, hash) : undefined
    if (found === undefined)
      throw new MalformedBody('broken rule: references come before what refers to them')
    return found === 'unknown' ? undefined : found
  }

  #checkTrailer(hash: RawHash, body: Buffer): void {
    if (body.length !== trailerBodyBytes) this.#fail('its end is damaged')
    const { objects, bytes } = decodeTrailer(body)
    if (objects !== this.#table.size || bytes !== this.#at) {
      this.#fail('its end counts other objects than it has')
    }
    if (this.#hasher.digest() !== hash) this.#fail('its bytes have another hash than its end says')
  }

  #checkTips(): void {
    for (const { commit } of this.#header.tips) {
      const isHere = this.#table.has(indexKind.commit, commit)
      if (!isHere && !this.#header.prerequisites.includes(commit)) this.#fail('a tip is not in it', commit)
    }
  }

  async #piece(length: number): Promise<Buffer> {
    const bytes = await this.#source.take(length)
    if (bytes.length < length) this.#fail('it ends too soon')
    return bytes
  }

  readonly #fail = (what: string, hash?: RawHash): never => {
    const { name } = this.#o
    const message = `${name} is no whole bundle: ${what} (at byte ${this.#at})`
    const details = { file: name, offset: this.#at, ...(hash === undefined ? {} : { hash: rawToHex(hash) }) }
    throw new VarveError('CORRUPT', details, { message })
  }
}
