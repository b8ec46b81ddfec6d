import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Manifest, packageFolders, readManifest, readText, root } from './support/workspace.ts'

/** What a program that uses the library gets to install besides the library itself. */
const packagesMax = 25
const megabytesMax = 12

/** Packages that ask to run something when they are installed, and do without it. */
const needNoScript = ['classic-level']

interface Installed {
  readonly name: string
  readonly folder: string
  readonly manifest: Manifest & { readonly version: string }
}

const installed = closureOf('packages/store')

describe('dependencies', () => {
  test('every version is pinned', () => {
    const catalog = readText('pnpm-workspace.yaml').match(/^catalog:\n((?: {2}.*\n)+)/m)?.[1] ?? ''
    const versions = [...catalog.matchAll(/^ {2}\S+: (.+)$/gm)].map((match) => match[1])
    expect(versions.length).toBeGreaterThan(5)
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version ?? ''))).toEqual([])
    const folders = ['.', 'benchmarks', 'test', ...packageFolders.map((name) => `packages/${name}`)]
    const ranges = folders.flatMap((folder) => {
      const manifest: Manifest & { devDependencies?: Record<string, string> } = readManifest(folder)
      return Object.values({ ...manifest.dependencies, ...manifest.devDependencies })
    })
    expect(ranges.filter((range) => range !== 'catalog:' && range !== 'workspace:*')).toEqual([])
  })

  test('the lock file holds checksums and no addresses', () => {
    const lines = readText('pnpm-lock.yaml').split('\n')
    expect(lines.filter((line) => /https?:|tarball|git\+|ssh:/.test(line))).toEqual([])
    expect(lines.filter((line) => line.includes('integrity: sha512-')).length).toBeGreaterThan(50)
  })

  test(`the library brings at most ${packagesMax} packages`, () => {
    const names = installed.map(({ name, manifest }) => `${name}@${manifest.version}`).sort()
    expect(names.length, names.join(' ')).toBeLessThanOrEqual(packagesMax)
    // A walk that finds nothing would pass as well.
    expect(names.some((name) => name.startsWith('classic-level@'))).toBe(true)
  })

  test(`the library brings at most ${megabytesMax} MB`, () => {
    const bytes = installed.reduce((sum, { folder }) => sum + sizeOf(folder), 0)
    expect(bytes).toBeLessThanOrEqual(megabytesMax * 1_000_000)
    expect(bytes).toBeGreaterThan(1_000_000)
  })

  test('none of them needs its installation script', () => {
    const asking = installed
      .filter(({ folder, manifest }) => {
        const scripts = manifest.scripts ?? {}
        const isAsking = ['preinstall', 'install', 'postinstall'].some((name) => name in scripts)
        return isAsking || existsSync(join(folder, 'binding.gyp'))
      })
      .map(({ name }) => name)
    expect(asking).toEqual(needNoScript)
    // That they really do without is shown by every test that opens a store: these scripts never ran here.
    for (const name of needNoScript) expect(readText('pnpm-workspace.yaml')).toContain(`  ${name}: false\n`)
    for (const { folder } of installed) expect(existsSync(join(folder, 'build')), folder).toBe(false)
  })
})

/** Everything that a package of the workspace brings with it, without the workspace's own packages. */
function closureOf(start: string): Installed[] {
  const found = new Map<string, Installed>()
  const rest = [join(root, start)]
  for (let folder = rest.pop(); folder !== undefined; folder = rest.pop()) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Installed['manifest']
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
    for (const name of names) {
      const dependency = find(name, folder)
      // An optional package for another kind of machine.
      if (dependency === undefined && name in (manifest.optionalDependencies ?? {})) continue
      if (dependency === undefined) throw new Error(`${name}, needed by ${folder}, is not installed`)
      if (found.has(dependency)) continue
      const own = JSON.parse(readFileSync(join(dependency, 'package.json'), 'utf8')) as Installed['manifest']
      found.set(dependency, { name, folder: dependency, manifest: own })
      rest.push(dependency)
    }
  }
  return [...found.values()].filter(({ name }) => !name.startsWith('@varve/'))
}

/** Where Node would find a package from inside a folder. */
function find(name: string, from: string): string | undefined {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return realpathSync(candidate)
  }
  return undefined
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}
