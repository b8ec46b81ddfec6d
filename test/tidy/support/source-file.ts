import { posix } from 'node:path'
import { literalText, nodesOf, parse, type SyntaxNode } from './syntax.ts'
import { listFiles, readManifest, readText } from './workspace.ts'

/** One import, re-export, dynamic import, or `new URL(…, import.meta.url)`. */
export interface Import {
  /** As written: './mutex.ts', 'node:fs', '@varve/pack/base'. */
  readonly name: string
  /** The file of the workspace it leads to; `undefined` for modules from outside. */
  readonly target: string | undefined
}

/** A TypeScript or JavaScript file written by hand. */
export interface SourceFile {
  /** From the root, with forward slashes. */
  readonly path: string
  readonly lines: readonly string[]
  readonly tree: SyntaxNode
  readonly imports: readonly Import[]
  /** 'pack/base', 'store/.'; `undefined` outside the packages' `src`. */
  readonly room: string | undefined
  readonly isTest: boolean
}

/** Folders of the workspace's own packages, by their names. */
const ownPackages = new Map(
  ['pack', 'gc-worker', 'store', 'cli'].map((folder) => [readManifest(`packages/${folder}`).name, folder]),
)

/** All of them, read and parsed once. */
export const sourceFiles: readonly SourceFile[] = listFiles()
  .filter((path) => /\.[mc]?[jt]s$/.test(path))
  .map(readSource)

/** Those that are given away: in a room of a package, and no tests. */
export const productFiles: readonly SourceFile[] = sourceFiles.filter(
  (f) => f.room !== undefined && !f.isTest,
)

/** The room that a file belongs to. */
export function roomOf(path: string): string | undefined {
  const [, owner, folder] = /^packages\/([^/]+)\/src\/(?:([^/]+)\/)?/.exec(path) ?? []
  return owner === undefined ? undefined : `${owner}/${folder ?? '.'}`
}

/**
 * Tests, and the fakes in a room's own folder `testing`. The room `pack/testing` is given away like any
 * other.
 */
export function isForTests(path: string): boolean {
  return path.startsWith('test/') || /\.test\.ts$/.test(path) || /\/src\/.+\/testing\//.test(path)
}

/** The source file behind a built file that a manifest names, as './dist/base/index.js'. */
export function sourceOfBuilt(packageFolder: string, built: string): string {
  const inSource = built.replace(/^\.\/dist\//, 'src/').replace(/\.(d\.ts|js)$/, '.ts')
  return posix.join(packageFolder, inSource)
}

function readSource(path: string): SourceFile {
  const text = readText(path)
  const tree = parse(text)
  return {
    path,
    lines: text.replace(/\n$/, '').split('\n'),
    tree,
    imports: importsOf(path, tree),
    room: roomOf(path),
    isTest: isForTests(path),
  }
}

function importsOf(path: string, tree: SyntaxNode): Import[] {
  const imports: Import[] = []
  for (const node of nodesOf(tree)) {
    const name = importedName(node)
    if (name !== undefined) imports.push({ name, target: resolve(path, name) })
  }
  return imports
}

function importedName(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
      return literalText(node['source'])
    case 'TSImportType':
      return literalText(node['argument']) ?? literalText(node['source'])
    case 'NewExpression': {
      const isUrl = (node['callee'] as SyntaxNode)['name'] === 'URL'
      const [first, second] = node['arguments'] as SyntaxNode[]
      const text = literalText(first)
      return isUrl && second !== undefined && text?.startsWith('.') === true ? text : undefined
    }
    default:
      return undefined
  }
}

function resolve(from: string, name: string): string | undefined {
  if (name.startsWith('.')) {
    const target = posix.join(posix.dirname(from), name)
    // A worker's entry is named as it is called once built.
    return from.startsWith('packages/') ? target.replace(/\.js$/, '.ts') : target
  }
  const [, packageName, subpath] = /^(@[^/]+\/[^/]+|[^@/][^/]*)(?:\/(.+))?$/.exec(name) ?? []
  const folder = ownPackages.get(packageName ?? '')
  if (folder === undefined) return undefined
  const target = readManifest(`packages/${folder}`).exports?.[subpath === undefined ? '.' : `./${subpath}`]
  if (typeof target !== 'object') return undefined
  return sourceOfBuilt(`packages/${folder}`, target.default)
}
