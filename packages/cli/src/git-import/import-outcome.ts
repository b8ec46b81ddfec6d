import { VarveError } from '@varve/pack/errors'
import { hexToRaw } from '@varve/pack/objects'
import type { GitCommit } from '../git/index.ts'
import { type IdMap, idState } from './conversion/id-map.ts'
import type { MissingObject } from './missing-object.ts'

/** What has been read from Git: each object once. */
export interface ImportCounts {
  commits: number
  trees: number
  blobs: number
  /** Content of the blobs. */
  bytes: number
}

/** What an import has done, and what it could not. Ids are Git's, in hex. */
export class ImportOutcome {
  readonly #ids: IdMap
  readonly #missing: 'refuse' | 'skip'
  /** Of commits that were left out. */
  readonly #firstParents = new Map<string, string>()
  readonly counts: ImportCounts = { commits: 0, trees: 0, blobs: 0, bytes: 0 }
  /** Commits that are not imported, each with the first object that it lacks. */
  readonly leftOut: MissingObject[] = []
  /** New commits whose tree says something that a directory of the store cannot. */
  readonly odd: string[] = []
  /** New commits of which the store lacks a parent. */
  readonly cut: string[] = []

  constructor(ids: IdMap, missing: 'refuse' | 'skip') {
    this.#ids = ids
    this.#missing = missing
  }

  /** @param hash hex */
  putCommit(
    commit: GitCommit,
    hash: string,
    facts: { readonly isOdd: boolean; readonly isCut: boolean },
  ): void {
    this.#ids.setCommit(this.#ids.addHex(commit.id, idState.commit), hexToRaw(hash), facts.isOdd)
    this.counts.commits++
    if (facts.isOdd) this.odd.push(commit.id)
    if (facts.isCut) this.cut.push(commit.id)
  }

  /** The hash (hex) of the commit that has this id; `undefined` when it is not in the store. */
  commitHash(id: string): string | undefined {
    const index = this.#ids.findHex(id)
    return index >= 0 && this.#ids.state(index) === idState.commit ? this.#ids.commitHash(index) : undefined
  }

  /**
   * The first of the commit and its first parents that is in the store; `undefined` when none is known to be.
   */
  nearest(id: string): string | undefined {
    let found: string | undefined = id
    while (found !== undefined && this.commitHash(found) === undefined) found = this.#firstParents.get(found)
    return found
  }

  /**
   * @param firstParent of the commit that is left out, if the commit itself can be read
   * @throws GIT_OBJECT_MISSING unless missing objects are to be skipped
   */
  leaveOut(missing: MissingObject, firstParent?: string): void {
    if (this.#missing === 'refuse') throw new VarveError('GIT_OBJECT_MISSING', missing)
    this.leftOut.push(missing)
    if (firstParent !== undefined) this.#firstParents.set(missing.commit, firstParent)
  }
}
