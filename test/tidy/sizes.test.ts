import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { productFiles, type SourceFile, sourceFiles, sourceOfBuilt } from './support/source-file.ts'
import { nodesOf, type SyntaxNode } from './support/syntax.ts'
import { packageFolders, readManifest } from './support/workspace.ts'

const fileLinesMax = 400
const functionLinesMax = 70
const lineLengthMax = 110
const filesInRoomMax = 12
const vagueNames = /(^|-)(utils?|commons?|helpers?|types?|managers?|data|infos?|misc|stuff)$/

describe('sizes', () => {
  test(`a file has at most ${fileLinesMax} lines`, () => {
    const wrong = sourceFiles.filter((file) => file.lines.length > fileLinesMax)
    expect(wrong.map((file) => `${file.path}: ${file.lines.length}`)).toEqual([])
  })

  test(`a line has at most ${lineLengthMax} characters`, () => {
    // What the formatter cannot break, a test's vector or one long text, is not made better by force.
    const wrong = sourceFiles.flatMap((file) =>
      file.lines.flatMap((line, index) =>
        line.length > lineLengthMax && !/^\s*(\/\/ )?\S+$|^\s*["'`]/.test(line)
          ? [`${file.path}:${index + 1}`]
          : [],
      ),
    )
    expect(wrong).toEqual([])
  })

  test(`a function has at most ${functionLinesMax} lines`, () => {
    const wrong = sourceFiles.filter((file) => !file.isTest).flatMap(longFunctions)
    expect(wrong).toEqual([])
  })

  test(`a room's folder has at most ${filesInRoomMax} source files`, () => {
    const counts = new Map<string, number>()
    for (const { path } of productFiles) {
      const folder = posix.dirname(path)
      counts.set(folder, (counts.get(folder) ?? 0) + 1)
    }
    expect([...counts].filter(([, count]) => count > filesInRoomMax)).toEqual([])
  })

  test('names say what is inside', () => {
    const names = (file: SourceFile): string[] => file.path.replace(/(\.test)?\.[mc]?[jt]s$/, '').split('/')
    const wrong = sourceFiles.filter((file) => names(file).some((name) => vagueNames.test(name)))
    expect(wrong.map((file) => file.path)).toEqual([])
  })

  test('every room has an index, and every file of the packages is reached from an entry', () => {
    const byPath = new Map(productFiles.map((file) => [file.path, file]))
    const rest = entries().filter((path) => byPath.has(path))
    const reached = new Set(rest)
    for (let path = rest.pop(); path !== undefined; path = rest.pop()) {
      for (const { target } of byPath.get(path)?.imports ?? []) {
        if (target === undefined || reached.has(target) || !byPath.has(target)) continue
        reached.add(target)
        rest.push(target)
      }
    }
    expect([...byPath.keys()].filter((path) => !reached.has(path))).toEqual([])
  })
})

const programs: Readonly<Record<string, readonly string[]>> = {
  cli: ['./dist/main.js', './dist/demo/main.js'],
  'gc-worker': ['./dist/thread/worker.js'],
}

/**
 * What the manifests open to the outside, and the programs that the workspace's own scripts start or bundle.
 */
function entries(): string[] {
  return packageFolders.flatMap((name) => {
    const folder = `packages/${name}`
    const { exports = {}, bin = {} } = readManifest(folder)
    const built = Object.values(exports).map((target) =>
      typeof target === 'string' ? target : target.default,
    )
    const program = programs[name] ?? []
    return [...built, ...Object.values(bin), ...program].map((file) => sourceOfBuilt(folder, file))
  })
}

function longFunctions(file: SourceFile): string[] {
  const found: string[] = []
  for (const node of nodesOf(file.tree)) {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) continue
    const body = node['body'] as SyntaxNode | null
    if (body === null) continue
    const length = linesBetween(file, node.start, body.end)
    if (length > functionLinesMax)
      found.push(`${file.path}: ${length} lines from ${file.lines[lineOf(file, node.start)]}`)
  }
  return found
}

function linesBetween(file: SourceFile, start: number, end: number): number {
  return lineOf(file, end) - lineOf(file, start) + 1
}

function lineOf(file: SourceFile, position: number): number {
  let end = 0
  for (const [index, line] of file.lines.entries()) {
    end += line.length + 1
    if (position < end) return index
  }
  return file.lines.length - 1
}
