import type { FileHandle, FileStat, FileSystem, OpenMode } from '../fs/index.ts'
import {
  InterceptedFileSystem,
  type Operation,
  type OperationKind,
  operationsWithoutResult,
  type Verdict,
} from './intercepted-file-system.ts'
import { type SystemErrorCode, systemError } from './system-error.ts'

/** What goes wrong. */
export type Fault =
  /** The operation is not carried out and fails; `late`: it is carried out and fails all the same. */
  | { readonly kind: 'error'; readonly code: SystemErrorCode; readonly late?: boolean }
  /** A write of two bytes or more takes only a part. */
  | { readonly kind: 'short'; readonly keep: 'one' | 'half' | 'all-but-one' }
  /** An operation without a result (a sync, say) is not carried out and succeeds. */
  | { readonly kind: 'lie' }

/** One fault and the operations that it strikes; what is left out matches everything. */
export interface FaultRule {
  readonly fault: Fault
  readonly kinds?: readonly OperationKind[]
  /** A part of the path, or a pattern for it. Of a rename or link, also for the new path. */
  readonly path?: string | RegExp
  readonly when?: (operation: Operation) => boolean
  /** The how-manieth matching operation is struck, from 1. Default 1. */
  readonly at?: number
  /** 'once' (default), or that operation and every matching one after it. */
  readonly times?: 'once' | 'always'
}

export type FaultPlan = readonly FaultRule[]

/** Passes everything on to another file system, except where the plan says what goes wrong. */
export class FaultFileSystem implements FileSystem {
  readonly origin: undefined = undefined
  readonly #intercepted: InterceptedFileSystem
  #plan: { readonly rule: FaultRule; matchCount: number }[] = []
  #operationCount = 0
  #struck: Operation[] = []

  constructor(inner: FileSystem, plan: FaultPlan = []) {
    this.setPlan(plan)
    this.#intercepted = new InterceptedFileSystem(inner, { before: (operation) => this.#before(operation) })
  }

  /** Starts over with another plan; none: nothing goes wrong any more. */
  setPlan(plan: FaultPlan): void {
    this.#plan = plan.map((rule) => ({ rule, matchCount: 0 }))
    this.#operationCount = 0
    this.#struck = []
  }

  /** Since the plan was set. */
  get operationCount(): number {
    return this.#operationCount
  }

  /** Those that went wrong, in their order. None: the plan's place was never reached. */
  get struck(): readonly Operation[] {
    return this.#struck
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    return this.#intercepted.open(path, mode)
  }

  openSync(path: string, mode: 'read'): FileHandle {
    return this.#intercepted.openSync(path, mode)
  }

  async readFile(path: string): Promise<Buffer> {
    return this.#intercepted.readFile(path)
  }

  async mkdir(path: string): Promise<void> {
    await this.#intercepted.mkdir(path)
  }

  async list(path: string): Promise<string[]> {
    return this.#intercepted.list(path)
  }

  listSync(path: string): string[] {
    return this.#intercepted.listSync(path)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#intercepted.rename(from, to)
  }

  async link(from: string, to: string): Promise<void> {
    await this.#intercepted.link(from, to)
  }

  async remove(path: string): Promise<void> {
    await this.#intercepted.remove(path)
  }

  async removeFolder(path: string): Promise<void> {
    await this.#intercepted.removeFolder(path)
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return this.#intercepted.stat(path)
  }

  async realPath(path: string): Promise<string> {
    return this.#intercepted.realPath(path)
  }

  async syncFolder(path: string): Promise<void> {
    await this.#intercepted.syncFolder(path)
  }

  watch(folder: string, onChange: () => void): (() => void) | undefined {
    return this.#intercepted.watch(folder, onChange)
  }

  async freeBytes(path: string): Promise<number> {
    return this.#intercepted.freeBytes(path)
  }

  /** The first rule that strikes decides; the others count all the same. */
  #before(operation: Operation): Verdict | undefined {
    this.#operationCount++
    let verdict: Verdict | undefined
    for (const entry of this.#plan) {
      if (!matches(entry.rule, operation)) continue
      entry.matchCount++
      if (verdict === undefined && strikes(entry.rule, entry.matchCount)) {
        verdict = verdictOf(entry.rule.fault, operation)
      }
    }
    if (verdict !== undefined) this.#struck.push(operation)
    return verdict
  }
}

function matches({ kinds, path, when, fault }: FaultRule, operation: Operation): boolean {
  if (kinds !== undefined && !kinds.includes(operation.kind)) return false
  if (fault.kind === 'short' && (operation.kind !== 'write' || (operation.length ?? 0) < 2)) return false
  if (fault.kind === 'lie' && !operationsWithoutResult.has(operation.kind)) return false
  if (path !== undefined && !isOn(path, operation.path) && !isOn(path, operation.to)) return false
  return when === undefined || when(operation)
}

function isOn(pattern: string | RegExp, path: string | undefined): boolean {
  if (path === undefined) return false
  // `search` and not `test`: a pattern with the flag g would remember where it was.
  return typeof pattern === 'string' ? path.includes(pattern) : path.search(pattern) >= 0
}

function strikes({ at = 1, times = 'once' }: FaultRule, count: number): boolean {
  return times === 'once' ? count === at : count >= at
}

function verdictOf(fault: Fault, operation: Operation): Verdict {
  if (fault.kind === 'lie') return { kind: 'lie' }
  if (fault.kind === 'short') return { kind: 'short', length: shortened(operation.length ?? 0, fault.keep) }
  const error = systemError(fault.code, operation.kind, operation.path)
  return { kind: fault.late === true ? 'fail-late' : 'fail', error }
}

function shortened(length: number, keep: 'one' | 'half' | 'all-but-one'): number {
  if (keep === 'one') return 1
  return keep === 'half' ? Math.ceil(length / 2) : length - 1
}
