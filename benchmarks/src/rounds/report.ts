import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { storeOptions } from '../measuring/store-folder.ts'
import type { SizeName } from '../workloads/workload-size.ts'
import type { Summary } from './summary.ts'

/** Under what circumstances the figures came about; nothing that tells whose machine it was. */
export interface Circumstances {
  readonly date: string
  readonly size: SizeName
  readonly rounds: number
  readonly durability: string
  readonly cacheBytes: number
  readonly node: string
  readonly system: string
  readonly processors: { readonly model: string; readonly count: number }
  readonly memoryBytes: number
}

export function circumstances(o: { readonly size: SizeName; readonly rounds: number }): Circumstances {
  return {
    date: new Date().toISOString(),
    size: o.size,
    rounds: o.rounds,
    durability: storeOptions.durability,
    cacheBytes: storeOptions.cacheBytes,
    node: process.version,
    system: `${process.platform} ${process.arch}`,
    processors: { model: cpus()[0]?.model ?? 'unknown', count: availableParallelism() },
    memoryBytes: totalmem(),
  }
}

/** Writes everything to a new file of the folder; returns the file's path. */
export function writeReport(folder: string, about: Circumstances, summary: Summary): string {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `store-${about.size}-${about.date.replace(/[:.]/g, '-')}.json`)
  writeFileSync(file, `${JSON.stringify({ ...about, ...summary }, undefined, 2)}\n`)
  return file
}
