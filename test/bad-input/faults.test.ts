import {
  FaultFileSystem,
  type FaultPlan,
  type MemoryFileSystem,
  type Operation,
  type SystemErrorCode,
} from '@varve/pack/testing'
import { type Store, VarveError } from '@varve/store'
import { describe, expect, test } from 'vitest'
import { Ledger } from '../support/ledger.ts'
import { emptyDisk, expectTidy, openMemory } from '../support/memory-store.ts'
import { seededBytes } from '../support/seeded-bytes.ts'

/** Large enough to be stored in chunks. */
const big = seededBytes(3, 263_000)
/** No workload has as many operations. */
const operationsMax = 2_000
/** After every so manieth strike the power is cut, too, and what is opened again is opened once more. */
const thoroughEvery = 4

interface Prepared {
  readonly disk: MemoryFileSystem
  readonly ledger: Ledger
}

/** Makes a call. What it rejects with is collected, and the workload goes on. */
type Attempt = (call: () => Promise<unknown>) => Promise<void>

/** A piece of a store's life. */
interface Workload {
  readonly name: string
  readonly prepare: () => Promise<Prepared>
  /** Counts operations from the first one of the opening, not from the first one after it. */
  readonly withOpening?: boolean
  readonly run: (store: Store, ledger: Ledger, attempt: Attempt) => Promise<void>
}

async function newDisk(): Promise<Prepared> {
  return { disk: await emptyDisk(), ledger: new Ledger() }
}

/** With a generation, a sealed chunk with its index, and an open one. */
async function grownDisk(): Promise<Prepared> {
  const { disk, ledger } = await newDisk()
  const store = await openMemory(disk)
  for (const x of ['one', 'two', 'three']) await ledger.commit(store, 'main', { 'a/b': x })
  await ledger.commit(store, 'side', { s: 'of the side' })
  await ledger.collect(store, { branch: 'main', index: 1 })
  await ledger.commit(store, 'main', { c: 'four' })
  await store.advanced.split()
  await ledger.commit(store, 'main', { d: 'five' })
  await ledger.tag(store, 'v1', 'main')
  await store.close()
  return { disk, ledger }
}

const workloads: readonly Workload[] = [
  {
    name: 'making a store',
    prepare: newDisk,
    withOpening: true,
    run: async (store, ledger, attempt) => {
      await attempt(() => ledger.commit(store, 'main', { a: 'one' }))
    },
  },
  {
    name: 'opening, commits, bare puts, reads, and a new chunk',
    prepare: grownDisk,
    withOpening: true,
    run: async (store, ledger, attempt) => {
      await attempt(() => ledger.commit(store, 'main', { e: 'six' }))
      await attempt(() => ledger.putBlob(store, 'bare'))
      await attempt(() => ledger.flush(store))
      await attempt(() => readAll(store))
      await attempt(() => store.advanced.split())
      await attempt(() => ledger.commit(store, 'new', { f: 'seven' }))
      await attempt(() => store.resolve('main~2'))
    },
  },
  {
    name: 'a large blob in and out',
    prepare: grownDisk,
    run: async (store, ledger, attempt) => {
      await attempt(() => ledger.commit(store, 'side', { big }))
      await attempt(() => readAll(store))
    },
  },
  {
    name: 'a collection with a target',
    prepare: grownDisk,
    run: async (store, ledger, attempt) => {
      const meanwhile = (): Promise<void> => attempt(() => ledger.commit(store, 'side', { g: 'eight' }))
      await attempt(() => ledger.collect(store, { branch: 'main', index: 2 }, { meanwhile }))
      await attempt(() => ledger.commit(store, 'main', { h: 'nine' }))
    },
  },
  {
    name: 'a collection without a target',
    prepare: grownDisk,
    run: async (store, ledger, attempt) => {
      await attempt(() => ledger.collect(store, undefined))
    },
  },
]

async function readAll(store: Store): Promise<void> {
  for await (const branch of store.branches()) {
    for await (const entry of branch.entries('', { recursive: true })) {
      if (entry.kind === 'blob') await branch.get(entry.path)
    }
  }
}

/**
 * Runs a workload with a fault and gives the operation that was struck. What must hold afterwards is
 * asserted.
 */
async function strike(workload: Workload, prepared: Prepared, rule: Strike): Promise<Operation | undefined> {
  const { code, late, times, at } = rule
  const disk = prepared.disk.clone()
  const ledger = prepared.ledger.fork()
  const plan: FaultPlan = [{ fault: { kind: 'error', code, late }, at, times }]
  const through = new FaultFileSystem(disk, workload.withOpening === true ? plan : [])
  const isThorough = at % thoroughEvery === 0
  try {
    await run(workload, { disk, ledger, arm: () => through.setPlan(plan), through })
    if (isThorough) await expectWhole(disk.crashImage({ keep: 'none' }), ledger.fork(), isThorough)
    await expectWhole(disk, ledger, isThorough)
  } catch (error) {
    const [struck] = through.struck
    throw new Error(`${code} at operation ${at} (${struck?.kind} ${struck?.path})`, { cause: error })
  }
  return through.struck[0]
}

interface Strike {
  readonly code: SystemErrorCode
  readonly times: 'once' | 'always'
  readonly late: boolean
  readonly at: number
}

async function run(
  workload: Workload,
  { disk, ledger, through, arm }: Prepared & { readonly through: FaultFileSystem; readonly arm: () => void },
): Promise<void> {
  const failures: unknown[] = []
  const attempt: Attempt = async (call) => {
    await call().catch((error: unknown) => void failures.push(error))
  }
  const opened: Store[] = []
  await attempt(async () => opened.push(await openMemory(disk, { through })))
  for (const store of opened) {
    if (workload.withOpening !== true) arm()
    await workload.run(store, ledger, attempt)
    await attempt(() => store.close())
  }
  for (const failure of failures) expectTyped(failure)
  expect(disk.openHandles(), 'no handle is left').toEqual([])
}

/** Codes that a failing disk is no reason for. */
const oddCodes: readonly string[] = ['NO_STORE', 'STORE_LOCKED', 'COLLECTED', 'STORE_CLOSED', 'INVALID_PATH']

function expectTyped(failure: unknown): void {
  if (!VarveError.is(failure)) throw new Error('an error that is not typed', { cause: failure })
  // Whatever is no failure of the system would be a bug in disguise.
  const isBug = VarveError.is(failure, 'GC_FAILED') && failure.details.reason === 'other'
  if (isBug || oddCodes.includes(failure.code)) {
    throw new Error(`${failure.code} does not tell of a failing disk`, { cause: failure })
  }
}

/** The disk is well again: everything acknowledged is there, writing goes on, and nothing is left over. */
async function expectWhole(disk: MemoryFileSystem, ledger: Ledger, isThorough: boolean): Promise<void> {
  const store = await openMemory(disk)
  await ledger.verify(store)
  await ledger.resume(store)
  await ledger.commit(store, 'main', { after: 'the fault' })
  await store.close()
  await expectTidy(disk)
  if (!isThorough) return
  const again = await openMemory(disk)
  await ledger.verify(again)
  await again.close()
}

const faults = [
  { name: 'EIO once', code: 'EIO', times: 'once', late: false },
  { name: 'EIO once, although it was done', code: 'EIO', times: 'once', late: true },
  { name: 'EACCES once', code: 'EACCES', times: 'once', late: false },
  { name: 'ENOSPC from then on', code: 'ENOSPC', times: 'always', late: false },
  { name: 'EROFS from then on', code: 'EROFS', times: 'always', late: false },
] as const

describe.each(workloads)('$name', (workload) => {
  test.each(faults)('$name, at every operation', async (fault) => {
    const prepared = await workload.prepare()
    let struck: Operation | undefined
    let at = 0
    do {
      struck = await strike(workload, prepared, { ...fault, at: ++at })
      expect(at).toBeLessThan(operationsMax)
    } while (struck !== undefined)
  })
})
