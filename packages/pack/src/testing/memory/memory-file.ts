import { unreachable } from '../../base/index.ts'
import { CowBytes } from './cow-bytes.ts'
import { type CrashPlan, lost, type PendingChange, type Tear } from './crash-fate.ts'

/** A change of a file's bytes since its last sync. */
export type FileChange = PendingChange &
  (
    | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer }
    | { readonly kind: 'truncate'; readonly size: number }
  )

/**
 * A file, whatever its names: its bytes as they are, as they were at the last sync, and the changes in
 * between. Syncing it makes its bytes durable and nothing else.
 */
export class MemoryFile {
  readonly kind = 'file'
  readonly inode: number
  /** Names and open handles keep a file alive. */
  nameCount = 0
  handleCount = 0
  modifiedMs: number
  #current: CowBytes
  #durable: CowBytes
  #changes: FileChange[] = []

  constructor(inode: number, modifiedMs: number, bytes: CowBytes = new CowBytes()) {
    this.inode = inode
    this.modifiedMs = modifiedMs
    this.#current = bytes
    this.#durable = bytes.fork()
  }

  get size(): number {
    return this.#current.size
  }

  get changes(): readonly FileChange[] {
    return this.#changes
  }

  /** Valid until the next change; never to be written to. */
  view(): Buffer {
    return this.#current.view()
  }

  read(target: Buffer, targetStart: number, length: number, position: number): number {
    return this.#current.read(target, targetStart, length, position)
  }

  change(change: FileChange, nowMs: number): void {
    apply(this.#current, change)
    this.#changes.push(change)
    this.modifiedMs = nowMs
  }

  sync(): void {
    for (const change of this.#changes) apply(this.#durable, change)
    this.#changes = []
  }

  /** What is not durable reads as before and will never be: what some systems make of a sync that failed. */
  loseUnsynced(): void {
    this.#changes = []
  }

  /** Other bytes, durable at once: what a faulty disk or another hand does. */
  replace(bytes: Buffer): void {
    this.#current = CowBytes.of(bytes)
    this.#durable = this.#current.fork()
    this.#changes = []
  }

  /** The bytes that a crash leaves. */
  image(plan: CrashPlan): CowBytes {
    const bytes = this.#durable.fork()
    for (const change of this.#changes) {
      const fate = plan.get(change.sequence) ?? lost
      if (fate.kind === 'kept') apply(bytes, change)
      else if (fate.kind === 'torn' && change.kind === 'write') applyTorn(bytes, change, fate.tear)
    }
    return bytes
  }

  /** An independent file with the same bytes and the same changes waiting; nobody has it open. */
  clone(): MemoryFile {
    const copy = new MemoryFile(this.inode, this.modifiedMs, this.#current.fork())
    copy.#durable = this.#durable.fork()
    copy.#changes = [...this.#changes]
    return copy
  }
}

function apply(bytes: CowBytes, change: FileChange): void {
  switch (change.kind) {
    case 'write':
      bytes.write(change.bytes, change.position)
      return
    case 'truncate':
      bytes.truncate(change.size)
      return
    default:
      unreachable(change)
  }
}

function applyTorn(
  bytes: CowBytes,
  { position, bytes: source }: { readonly position: number; readonly bytes: Buffer },
  tear: Tear,
): void {
  const end = position + source.length
  const oldSize = bytes.size
  if (tear.hasSize && end > oldSize) bytes.fill(tear.filler, Math.max(position, oldSize), end)
  const firstSector = Math.floor(position / tear.sectorBytes)
  for (let start = position; start < end; ) {
    const sector = Math.floor(start / tear.sectorBytes)
    const next = Math.min((sector + 1) * tear.sectorBytes, end)
    if (tear.isKept(sector - firstSector))
      bytes.write(source.subarray(start - position, next - position), start)
    start = next
  }
}
