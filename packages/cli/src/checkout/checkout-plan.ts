import { VarveError } from '@varve/pack/errors'
import type { Entry, StoreReader, Tree } from '@varve/store'
import { LinkTargets } from './link-targets.ts'
import { foldedName, type NameFolding } from './name-folding.ts'
import { type InnerPath, storeInTheWay } from './store-places.ts'

/** Why `git add` would not give an entry back. */
export type UnlikeGit = 'submodule' | 'empty-directory' | 'git-name'

/** What a checkout is going to write. */
export interface CheckoutPlan {
  directories: number
  files: number
  links: number
  submodules: number
  /** Content of files. */
  bytes: number
  /** Entries for which Git's tree id will not come out again. */
  readonly unlikeGit: { readonly path: string; readonly reason: UnlikeGit }[]
}

export interface PlanOptions {
  readonly store: StoreReader
  readonly folding: NameFolding
  readonly allowDotGit: boolean
  /** Where the store lies below the folder. */
  readonly storePlaces: readonly InnerPath[]
  readonly signal: AbortSignal
}

/**
 * Walks the whole tree and refuses what must not be written.
 * @throws CHECKOUT_COLLISION when two names are one on this file system; INVALID_PATH for a name of Git's
 * own; CommandFailure STORE_IN_THE_WAY when an entry would take the store's place, INVALID_LINK for a
 * symbolic link that no file system can hold; COLLECTED
 */
export async function planCheckout(tree: Tree, options: PlanOptions): Promise<CheckoutPlan> {
  const plan: CheckoutPlan = { directories: 0, files: 0, links: 0, submodules: 0, bytes: 0, unlikeGit: [] }
  const collisions = new Collisions(options.folding)
  const links = new LinkTargets(options.store)
  for await (const entry of tree.entries('', { recursive: true, signal: options.signal })) {
    const path = entry.path.join('/')
    refuseInStore(entry, options)
    if (isGitsOwn(entry.name)) {
      if (!options.allowDotGit) {
        const hint = 'Git would take it for a repository of its own; --dot-git writes it nevertheless'
        throw new VarveError('INVALID_PATH', { path, hint })
      }
      plan.unlikeGit.push({ path, reason: 'git-name' })
    }
    collisions.add(entry, path)
    await links.add(entry, path)
    count(plan, entry, path)
  }
  collisions.refuse()
  links.refuse()
  return plan
}

/** A folder above the store may be written into; what is no folder may not stand there. */
function refuseInStore(entry: Entry, { storePlaces, folding }: PlanOptions): void {
  const depth = entry.path.length
  const isSame = (a: string, b: string): boolean =>
    foldedName(Buffer.from(a), folding) === foldedName(Buffer.from(b), folding)
  for (const place of storePlaces) {
    if (depth > place.length || (depth < place.length && entry.kind === 'tree')) continue
    if (!entry.path.every((name, at) => isSame(name, place[at]!))) continue
    throw storeInTheWay(`the tree has ${entry.path.join('/')}, which is where the store lies`)
  }
}

function count(plan: CheckoutPlan, entry: Entry, path: string): void {
  if (entry.kind === 'tree') {
    plan.directories++
    if (entry.count === 0) plan.unlikeGit.push({ path, reason: 'empty-directory' })
    return
  }
  if (entry.mode === 'submodule') {
    plan.submodules++
    plan.unlikeGit.push({ path, reason: 'submodule' })
  } else if (entry.mode === 'symlink') plan.links++
  else {
    plan.files++
    plan.bytes += entry.size
  }
}

/** `.git`, also as file systems that forget case, invisible characters, or trailing dots would take it. */
function isGitsOwn(name: string): boolean {
  const visible = name.replace(INVISIBLE, '').replace(/[. ]+$/, '')
  return /^(?:\.git|git~1)$/i.test(visible)
}

/** Characters that HFS+ does not see in names. */
const INVISIBLE = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g

/** At most so many pairs are told. */
const COLLISIONS_MAX = 100

/** Finds names of one directory that are one on the file system. Directories come before what they hold. */
class Collisions {
  readonly #folding: NameFolding
  /** Folded names, by level of the walk. */
  readonly #levels: Map<string, string>[] = []
  readonly #found: string[] = []

  constructor(folding: NameFolding) {
    this.#folding = folding
  }

  add(entry: Entry, path: string): void {
    if (this.#folding === 'none') return
    const depth = entry.path.length
    // Coming up again, or into the next directory, what was below is done with.
    this.#levels.length = Math.min(this.#levels.length, depth)
    while (this.#levels.length < depth) this.#levels.push(new Map())
    const names = this.#levels[depth - 1]!
    const folded = foldedName(entry.nameBytes, this.#folding)
    const other = names.get(folded)
    if (other === undefined) names.set(folded, path)
    else if (this.#found.length < COLLISIONS_MAX) this.#found.push(other, path)
  }

  /** @throws CHECKOUT_COLLISION */
  refuse(): void {
    if (this.#found.length > 0) throw new VarveError('CHECKOUT_COLLISION', { paths: this.#found })
  }
}
