import { type IndexKind, leafForm, leafName, type RawHash, readHash, recordKind } from '@varve/pack/objects'
import type { RecordReader, RecordView } from '@varve/pack/pack'
import type { CheckFinding } from '../check-job.ts'
import { addLoss } from '../findings.ts'
import { EdgeList } from './edge-list.ts'
import type { Target } from './losses.ts'

/** At most so many records are read to find the paths of what is lost. */
const stepsMax = 100_000

export interface LostPathsOptions {
  readonly isTainted: (offset: number) => boolean
  /** The finding of an object that is lost. */
  readonly lossOf: (target: Target) => CheckFinding | undefined
}

/** A record on the way, and what its directory is called. */
interface Step {
  readonly offset: number
  readonly path: string
}

/** Walks from commits to what they have lost, through nothing but records that need something lost. */
export class LostPaths {
  readonly #reader: RecordReader
  readonly #o: LostPathsOptions
  readonly #edges = new EdgeList()
  #steps = 0

  constructor(reader: RecordReader, o: LostPathsOptions) {
    this.#reader = reader
    this.#o = o
  }

  /**
   * Notes all that this commit has lost. False: enough has been looked at.
   * @throws CORRUPT, COLLECTED, and what the file system throws
   */
  follow(commit: number): boolean {
    const view = this.#reader.record(commit)
    const { hash } = view
    const rest: Step[] = []
    this.#look(view, '', hash, rest)
    for (let step = rest.pop(); step !== undefined; step = rest.pop()) {
      if (++this.#steps > stepsMax) return false
      this.#look(this.#reader.record(step.offset), step.path, hash, rest)
    }
    return true
  }

  #look(view: RecordView, path: string, commit: RawHash, rest: Step[]): void {
    const at = view.bodyStart - 48
    if (!this.#edges.fill(view.buf, at)) return
    const found: { readonly offset: number; readonly path: string }[] = []
    for (let i = 0; i < this.#edges.count; i++) {
      const offset = this.#edges.offset(i)
      const hash = readHash(view.buf, this.#edges.hashAt[i] as number)
      const loss = this.#o.lossOf({ offset, kind: this.#edges.kinds[i] as IndexKind, hash })
      if (loss === undefined && !this.#o.isTainted(offset)) continue
      const below = pathOf(view, i, path, loss !== undefined)
      if (loss === undefined) found.push({ offset, path: below })
      else addLoss(loss, commit, below)
    }
    rest.push(...found.reverse())
  }
}

/**
 * What reference `i` is called. A part of a directory has no name: '/' behind the directory's stands for it.
 */
function pathOf(view: RecordView, i: number, path: string, isLost: boolean): string {
  if (view.kind !== recordKind.node) return path
  if (view.buf[view.bodyStart] !== leafForm) return isLost ? `${path}/` : path
  const name = Buffer.from(leafName(view.buf, view.bodyStart, i), 'latin1').toString('utf8')
  return path === '' ? name : `${path}/${name}`
}
