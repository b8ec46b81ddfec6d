import { describe, expect, test } from 'vitest'
import { productFiles, type SourceFile } from './support/source-file.ts'
import { dottedName, nodesOf, type SyntaxNode } from './support/syntax.ts'

/** Who may import what. A room stands for its files; a path for one file or, ending in '/', for a folder. */
const modules: readonly { readonly door: RegExp; readonly through: readonly string[] }[] = [
  // The command reads and writes its user's own files (checkouts, blobs from a path), never those of a store.
  { door: /^node:fs(\/promises)?$/, through: ['pack/fs', 'cli/host', 'cli/demo'] },
  { door: /^(level|classic-level|abstract-level)$/, through: ['store/kv'] },
  { door: /^(node:worker_threads|piscina)$/, through: ['packages/gc-worker/'] },
  { door: /^node:child_process$/, through: ['cli/git', 'cli/demo', 'cli/host'] },
  { door: /^node:timers(\/promises)?$/, through: ['packages/pack/src/base/clock.ts'] },
  { door: /^(commander|cli-progress)$/, through: ['packages/cli/'] },
  { door: /^xxhash-wasm$/, through: ['packages/pack/src/base/xxh64.ts'] },
  { door: /^p-queue$/, through: ['packages/store/'] },
]

/** Which global names may be touched where. */
const globals: readonly { readonly door: RegExp; readonly through: readonly string[] }[] = [
  {
    door: /^(Date\.now|performance\.now|process\.hrtime(\.bigint)?|setTimeout|setInterval|setImmediate)$/,
    through: ['packages/pack/src/base/clock.ts', 'pack/testing', 'packages/cli/'],
  },
  { door: /^Math\.random$/, through: [] },
  { door: /^console\./, through: ['packages/cli/'] },
  {
    door: /^process\.(env|exit|exitCode|stdin|stdout|stderr|argv|cwd|on|once)\b/,
    through: ['packages/cli/'],
  },
]

describe('doors', () => {
  test.each(modules)('$door is imported only through $through', ({ door, through }) => {
    const wrong = productFiles
      .filter((file) => file.imports.some(({ name }) => door.test(name)) && !passes(file, through))
      .map((file) => file.path)
    expect(wrong).toEqual([])
  })

  test.each(globals)('$door is touched only in $through', ({ door, through }) => {
    const wrong = productFiles
      .filter((file) => !passes(file, through))
      .flatMap((file) => uses(file, (node) => door.test(dottedName(node) ?? '')))
    expect(wrong).toEqual([])
  })

  test('the time of day comes from a clock', () => {
    const wrong = productFiles
      .filter((file) => !passes(file, ['packages/cli/']))
      .flatMap((file) => uses(file, (node) => isNew(node, 'Date') && (node['arguments'] as []).length === 0))
    expect(wrong).toEqual([])
  })

  test('failures have a code: nobody throws a bare Error', () => {
    // The fakes for tests fail exactly as Node does.
    const files = productFiles.filter((file) => file.room !== 'pack/testing')
    const isBare = (node: SyntaxNode): boolean =>
      isNew(node, 'Error') || (node.type === 'CallExpression' && dottedName(node['callee']) === 'Error')
    expect(files.flatMap((file) => uses(file, isBare))).toEqual([])
  })

  test('no room keeps its own copy of a dependency of another package', () => {
    const wrong = productFiles.flatMap((file) =>
      file.imports
        .filter(({ name }) => /node_modules|\/dist\//.test(name))
        .map(({ name }) => `${file.path}: ${name}`),
    )
    expect(wrong).toEqual([])
  })
})

function passes(file: SourceFile, through: readonly string[]): boolean {
  return through.some((way) => {
    if (way.startsWith('packages/')) return way.endsWith('/') ? file.path.startsWith(way) : file.path === way
    return file.room === way
  })
}

function isNew(node: SyntaxNode, name: string): boolean {
  return node.type === 'NewExpression' && dottedName(node['callee']) === name
}

function uses(file: SourceFile, isWanted: (node: SyntaxNode) => boolean): string[] {
  const found: string[] = []
  for (const node of nodesOf(file.tree)) {
    if (!isWanted(node)) continue
    const line = lineAt(file, node.start)
    found.push(`${file.path}:${line}: ${file.lines[line - 1]?.trim()}`)
  }
  return found
}

function lineAt(file: SourceFile, position: number): number {
  let end = 0
  for (const [index, line] of file.lines.entries()) {
    end += line.length + 1
    if (position < end) return index + 1
  }
  return file.lines.length
}
