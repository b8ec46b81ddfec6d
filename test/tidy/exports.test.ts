import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageFolders, readManifest, root } from './support/workspace.ts'

describe.each(packageFolders)('packages/%s', (name) => {
  const folder = `packages/${name}`
  const manifest = readManifest(folder)
  const targets = Object.entries(manifest.exports ?? {}).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? [[subpath, target]]
      : [
          [subpath, target.types],
          [subpath, target.default],
        ],
  )
  const programs = Object.entries(manifest.bin ?? {})

  test('everything that its manifest names has been built', () => {
    const missing = [...targets, ...programs].filter(
      ([, file]) => !existsSync(join(root, folder, file as string)),
    )
    expect(missing).toEqual([])
    expect(targets.length).toBeGreaterThan(0)
  })

  test('what is built comes from a source', () => {
    const built = readdirSync(join(root, folder, 'dist'), { recursive: true, encoding: 'utf8' })
    const stale = built
      .filter((file) => file.endsWith('.js'))
      .filter((file) => !existsSync(join(root, folder, 'src', file.replace(/\.js$/, '.ts'))))
    expect(stale).toEqual([])
  })
})

test('each room of packages/pack has its subpath', () => {
  const rooms = readdirSync(join(root, 'packages/pack/src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `./${entry.name}`)
  const subpaths = Object.keys(readManifest('packages/pack').exports ?? {})
  expect(subpaths.sort()).toEqual([...rooms, './package.json'].sort())
})

describe('@varve/store', () => {
  test('is imported by an ECMAScript module', () => {
    const imported = importedNames()
    expect(imported).toContain('Store')
    expect(imported).toContain('VarveError')
  })

  test('is required by a CommonJS module, with the same names', () => {
    const program = "console.log(JSON.stringify(Object.keys(require('@varve/store'))))"
    const required = JSON.parse(node(['-e', program])) as string[]
    expect(required.filter((name) => name !== '__esModule').sort()).toEqual(importedNames().sort())
  })
})

function importedNames(): string[] {
  return JSON.parse(node(['dist/import-store.js'])) as string[]
}

/** Runs Node as a program of the package `test` would, and returns what it prints. */
function node(args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: join(root, 'test'), encoding: 'utf8' })
}
