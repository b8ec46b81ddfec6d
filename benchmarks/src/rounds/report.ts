import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { storeOptions } from '../measuring/store-folder.ts'
import type { SizeName } from '../workloads/workload-size.ts'
import type { Results } from './results.ts'

/** Under what circumstances the figures came about; nothing that tells whose machine it was. */
export interface Circumstances {
  readonly date: string
  readonly size: SizeName
  readonly rounds: number
  readonly durability: string
  readonly cacheBytes: number
  readonly node: string
  /** Its version; without it, the yardsticks that need it are missing. */
  readonly git: string | undefined
  readonly system: string
  readonly processors: { readonly model: string; readonly count: number }
  readonly memoryBytes: number
}

export function circumstances(o: Pick<Circumstances, 'size' | 'rounds' | 'git'>): Circumstances {
  return {
    date: new Date().toISOString(),
    size: o.size,
    rounds: o.rounds,
    durability: storeOptions.durability,
    cacheBytes: storeOptions.cacheBytes,
    node: process.version,
    git: o.git,
    system: `${process.platform} ${process.arch}`,
    processors: { model: cpus()[0]?.model ?? 'unknown', count: availableParallelism() },
    memoryBytes: totalmem(),
  }
}

/** Writes everything to a new file of the folder; returns the file's path. */
export function writeReport(folder: string, about: Circumstances, results: Results): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `store-${about.size}-${about.date.replace(/[:.]/g, '-')}.json`)
  writeFileSync(file, `${JSON.stringify({ ...about, ...results }, undefined, 2)}\n`)
  return file
}
