import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { classifyFile } from '@varve/pack/layout'
import { bytesOf, filesOf, type Specimen } from './specimen.ts'

/** The files of the frozen store of format 1. */
export const frozenStore: string = fileURLToPath(new URL('../fixtures/format-1/store', import.meta.url))

/** Names of the files of a store, with their bytes: control and all that it may name. */
export function storedFiles(folder: string): Map<string, Buffer> {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile())
  const own = names.filter((name) => !['unknown', 'lock-owner'].includes(classifyFile(name).kind))
  return new Map(own.sort().map((name) => [name, readFileSync(join(folder, name))]))
}

/** Puts the files of a specimen on the disk. */
export function writeSpecimen({ disk }: Specimen, folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of filesOf(disk)) {
    if (!name.includes('/')) writeFileSync(join(folder, name), bytesOf(disk, name))
  }
}
