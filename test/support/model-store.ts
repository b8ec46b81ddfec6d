import { createHash } from 'node:crypto'

/** The content of a directory tree: path → what is there. Directories are implied; none is empty. */
export type ModelTree = ReadonlyMap<string, ModelBlob>

export interface ModelBlob {
  /** Names a content; see `contentOf`. */
  readonly content: string
  readonly mode: 'file' | 'executable'
}

/**
 * A record as the log orders it. Two positions where it cannot be known which: an object that may or may not
 * have been there when it was put again.
 */
interface Place {
  readonly low: number
  readonly high: number
  /** False: a collection was free to keep it or to drop it. */
  readonly isSure: boolean
}

/** Something put by itself: what a collection keeps for its age, or for its place in the log. */
interface Bare {
  readonly key: string
  readonly position: number
  readonly time: number
  /**
   * Still held for its place, where that is after the target. A collection that did not hold it forgets the
   * place.
   */
  byPlace: 'yes' | 'perhaps' | 'no'
  /** Still held for its age. A collection that did not hold it forgets the time. */
  byAge: boolean
}

export interface CollectionRequest {
  /** Key of a commit. */
  readonly target: string | undefined
  readonly keep: readonly string[]
  readonly graceMs: number
}

interface Running extends CollectionRequest {
  readonly startedAt: number
  readonly targetPlace: Place | undefined
  /** Every ref at the start, and whatever a ref was set to since. */
  readonly refs: Set<string>
  /**
   * Those of them that were set before the switch for certain: their history stays too, where there is no
   * target.
   */
  readonly refsBefore: Set<string>
  readonly start: number
  /** Its switch may have happened already. */
  isFinishing: boolean
}

/** Whether something must be there, must not be there, or either. */
export type Presence = 'there' | 'gone' | 'either'

/**
 * What a store must hold, as sets of keys: `b:` and a content, `t:` and a digest of a directory, `c:` and the
 * hash of a commit. Objects refer to their children; the log gives each a position. A collection keeps what
 * is held and drops the rest; this says exactly what, and where both are allowed, says so.
 */
export class ModelStore {
  readonly refs = new Map<string, string>()
  readonly #children = new Map<string, readonly string[]>()
  readonly #parents = new Map<string, readonly string[]>()
  readonly #places = new Map<string, Place>()
  readonly #bares: Bare[] = []
  #position = 0
  #running: Running | undefined
  #latestTarget: Place | undefined

  /** The key of a tree's root; makes its directories known. */
  addTree(tree: ModelTree): string {
    const root: Folder = { blobs: new Map(), folders: new Map() }
    for (const [path, blob] of tree) {
      const names = path.split('/')
      const last = names.pop() as string
      let folder = root
      for (const name of names) {
        const below = folder.folders.get(name) ?? { blobs: new Map(), folders: new Map() }
        folder.folders.set(name, below)
        folder = below
      }
      folder.blobs.set(last, blob)
    }
    return this.#addFolder(root)
  }

  /** The key of a commit; makes it known. */
  addCommit(hash: string, root: string, parents: readonly string[]): string {
    const key = `c:${hash}`
    this.#children.set(key, [root])
    this.#parents.set(key, parents)
    return key
  }

  presence(key: string): Presence {
    const place = this.#places.get(key)
    if (place === undefined) return 'gone'
    if (!place.isSure) return 'either'
    if (this.#running?.isFinishing !== true) return 'there'
    return this.#kept('must').has(key) ? 'there' : 'either'
  }

  /** Whether any of these may be missing; all of them then count as perhaps there. */
  presenceOfAll(keys: readonly string[]): Presence {
    const each = keys.map((key) => this.presence(key))
    if (each.includes('gone')) return 'gone'
    return each.includes('either') ? 'either' : 'there'
  }

  /** Everything below `key`, itself last, is now in the log. */
  append(key: string): void {
    for (const below of this.#inOrder(key)) {
      const presence = this.presence(below)
      if (presence === 'there') continue
      const position = ++this.#position
      const low = presence === 'either' ? (this.#places.get(below) as Place).low : position
      this.#places.set(below, { low, high: position, isSure: true })
    }
    this.#position++
  }

  /** A write was refused halfway: what it had to write may be there. */
  appendPerhaps(key: string): void {
    const position = ++this.#position
    for (const below of this.#inOrder(key)) {
      const place = this.#places.get(below) ?? { low: position, high: position, isSure: false }
      this.#places.set(below, place)
    }
  }

  /** It was put by itself: new, or again. */
  hold(key: string, now: number): void {
    this.#bares.push({ key, position: ++this.#position, time: now, byPlace: 'yes', byAge: true })
  }

  setRef(name: string, commit: string | undefined): void {
    this.#position++
    if (commit === undefined) this.refs.delete(name)
    else this.refs.set(name, commit)
    if (commit === undefined) return
    this.#running?.refs.add(commit)
    if (!this.isFinishing) this.#running?.refsBefore.add(commit)
  }

  get isCollecting(): boolean {
    return this.#running !== undefined
  }

  get isFinishing(): boolean {
    return this.#running?.isFinishing === true
  }

  /** Whether a collection with this target starts; `undefined`: either. */
  isTooOld(target: string): boolean | undefined {
    const latest = this.#latestTarget
    const place = this.#places.get(target)
    if (latest === undefined || place === undefined) return false
    if (place.high < latest.low) return true
    return place.low >= latest.high ? false : undefined
  }

  startCollection(request: CollectionRequest, now: number): void {
    const targetPlace = request.target === undefined ? undefined : this.#places.get(request.target)
    this.#running = {
      ...request,
      targetPlace,
      startedAt: now,
      refs: new Set(this.refs.values()),
      refsBefore: new Set(this.refs.values()),
      start: this.#position,
      isFinishing: false,
    }
  }

  beginFinish(): void {
    if (this.#running !== undefined) this.#running.isFinishing = true
  }

  /** The collection is over: it has switched, has not, or (`undefined`) nobody knows. */
  endCollection(isSwitched: boolean | undefined): void {
    const running = this.#running
    if (running === undefined || isSwitched === false) {
      this.#running = undefined
      return
    }
    const must = this.#kept('must')
    const may = this.#kept('may')
    this.#running = undefined
    for (const [key, place] of this.#places) {
      if (must.has(key)) continue
      if (isSwitched === true && !may.has(key)) this.#places.delete(key)
      else this.#places.set(key, { ...place, isSure: false })
    }
    if (running.targetPlace !== undefined) {
      const latest = this.#latestTarget
      const known = isSwitched === true || latest === undefined
      this.#latestTarget = known ? running.targetPlace : { ...running.targetPlace, low: latest.low }
    }
    this.#forgetBares(running)
  }

  #forgetBares(running: Running): void {
    for (const bare of this.#bares) {
      if (bare.position > running.start) continue
      if (bare.time <= running.startedAt - running.graceMs) bare.byAge = false
      if (bare.position <= positionAfterWhichAllIsKept(running, false)) bare.byPlace = 'no'
      else if (bare.position <= positionAfterWhichAllIsKept(running, true) && bare.byPlace === 'yes') {
        bare.byPlace = 'perhaps'
      }
    }
  }

  /**
   * Commits that a walk from `from` through parents meets, as far as they are there; undefined: nobody can
   * know.
   */
  history(from: string): Set<string> | undefined {
    const found = new Set<string>()
    const work = [from]
    for (let key = work.pop(); key !== undefined; key = work.pop()) {
      if (found.has(key)) continue
      const presence = this.presence(key)
      if (presence === 'either') return undefined
      if (presence === 'gone') continue
      found.add(key)
      work.push(...(this.#parents.get(key) ?? []))
    }
    return found
  }

  #addFolder(folder: Folder): string {
    const lines: string[] = []
    const children: string[] = []
    for (const [name, { content, mode }] of folder.blobs) {
      lines.push(`${name} ${mode} ${content}`)
      children.push(this.#known(`b:${content}`, []))
    }
    for (const [name, below] of folder.folders) {
      const key = this.#addFolder(below)
      lines.push(`${name} ${key}`)
      children.push(key)
    }
    const digest = createHash('sha256').update(lines.sort().join('\n')).digest('base64')
    return this.#known(`t:${digest}`, children)
  }

  #known(key: string, children: readonly string[]): string {
    this.#children.set(key, children)
    return key
  }

  /** A key and all below it, children first. */
  #inOrder(key: string): string[] {
    const order: string[] = []
    const visit = (at: string): void => {
      for (const child of this.#children.get(at) ?? []) visit(child)
      if (!order.includes(at)) order.push(at)
    }
    visit(key)
    return order
  }

  /** What the running collection must keep at least, or may keep at most. */
  #kept(how: 'must' | 'may'): Set<string> {
    const running = this.#running as Running
    const isMust = how === 'must'
    const after = positionAfterWhichAllIsKept(running, isMust)
    const roots = [...running.refs, ...running.keep]
    if (running.target !== undefined) roots.push(running.target)
    for (const [key, place] of this.#places) {
      if ((isMust ? place.low : place.high) > after) roots.push(key)
    }
    for (const { key, position, time, byPlace, byAge } of this.#bares) {
      const isYoung = time > running.startedAt - running.graceMs && (byAge || !isMust)
      const isPlaced = position > after && (byPlace === 'yes' || (byPlace === 'perhaps' && !isMust))
      if (isPlaced || isYoung) roots.push(key)
    }
    const kept = this.#below(roots, isMust)
    if (running.target !== undefined) return kept
    // All history that refs reach; what else is kept may bring its own along.
    const heads = isMust ? [...running.refsBefore] : [...kept].filter((key) => key.startsWith('c:'))
    return this.#below([...kept, ...this.#ancestors(heads, isMust)], isMust)
  }

  #below(roots: readonly string[], isMust: boolean): Set<string> {
    const found = new Set<string>()
    const work = [...roots]
    for (let key = work.pop(); key !== undefined; key = work.pop()) {
      const place = this.#places.get(key)
      if (found.has(key) || place === undefined || (isMust && !place.isSure)) continue
      found.add(key)
      work.push(...(this.#children.get(key) ?? []))
    }
    return found
  }

  #ancestors(heads: readonly string[], isMust: boolean): Set<string> {
    const found = new Set<string>()
    const work = [...heads]
    for (let key = work.pop(); key !== undefined; key = work.pop()) {
      const place = this.#places.get(key)
      if (found.has(key) || place === undefined || (isMust && !place.isSure)) continue
      found.add(key)
      work.push(...(this.#parents.get(key) ?? []))
    }
    return found
  }
}

function positionAfterWhichAllIsKept(running: Running, isMust: boolean): number {
  const { target, targetPlace, start } = running
  if (target === undefined || targetPlace === undefined) return start
  return isMust ? targetPlace.high : targetPlace.low
}

interface Folder {
  readonly blobs: Map<string, ModelBlob>
  readonly folders: Map<string, Folder>
}
