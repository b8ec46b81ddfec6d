import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the workspace. */
export const root: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')

/** Folders that hold nothing written by hand. */
const skipped = new Set(['node_modules', 'dist', '.git', '.cache', 'coverage'])

/** Every file written by hand, as a path from the root with forward slashes, sorted. */
export function listFiles(folder: string = root): string[] {
  const files: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !skipped.has(entry.name)) files.push(...listFiles(path))
    if (entry.isFile()) files.push(relative(root, path).split(sep).join('/'))
  }
  return files.sort()
}

/** The text of a file named by its path from the root. */
export function readText(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** A JSON file of the workspace. */
export function readJson<T>(file: string): T {
  return JSON.parse(readText(file)) as T
}

/** A manifest, as far as the tests ask. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly scripts?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The folders of the packages that are given away. */
export const packageFolders: readonly string[] = readdirSync(join(root, 'packages')).sort()

export function readManifest(folder: string): Manifest {
  return readJson(`${folder}/package.json`)
}
