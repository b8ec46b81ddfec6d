import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { documents, type Snippet } from './support/markdown.ts'
import { packageFolders, readManifest, root } from './support/workspace.ts'

// How a document marks its snippets:
//   js  a whole program: run, in an empty folder, must end well. With `continue` behind it, it goes on with
//       the js snippet before it in the same document, and only the whole is run.
//   ts  compiled, not run; `continue` means the same.
//   sh  lines for a terminal: `varve …` is run, in one folder for the document; of the other lines it is
//       checked that they name a script or a package of this workspace.
//   text, json, or nothing: shown, nothing more.
const shown = new Set(['', 'text', 'json'])
const snippets = documents.flatMap((document) => document.snippets)

/** Snippets are put where Node finds the library by its name. */
const folder = join(root, 'test', 'dist', 'snippets')
const scratch = mkdtempSync(join(tmpdir(), 'varve-snippets-'))

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

test('every snippet is in a language that is checked', () => {
  const known = new Set([...shown, 'js', 'ts', 'sh'])
  expect(snippets.filter(({ language }) => !known.has(language)).map(placeOf)).toEqual([])
})

describe('programs in documents', () => {
  test.for(joined('js'))('$0 runs', async ([place, text]) => {
    const file = join(folder, `${place.replace(/[^\w]+/g, '-')}.mjs`)
    writeFileSync(file, text)
    await run(process.execPath, [file], mkdtempSync(join(scratch, 'js-')))
  })

  test('type-checked snippets compile', async () => {
    const files = joined('ts').map(([place, text]) => {
      const name = `${place.replace(/[^\w]+/g, '-')}.mts`
      writeFileSync(join(folder, name), text)
      return name
    })
    if (files.length === 0) return
    const config = {
      extends: '../../../tsconfig.base.json',
      compilerOptions: { noEmit: true, noUnusedLocals: false },
      files,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], root)
  })
})

describe('commands in documents', () => {
  const perDocument = documents
    .map(({ file, snippets: all }) => [file, all.filter(({ language }) => language === 'sh')] as const)
    .filter(([, all]) => all.length > 0)

  test.for(perDocument)('of %s work', async ([, all]) => {
    const home = mkdtempSync(join(scratch, 'sh-'))
    for (const command of all.flatMap(commandsOf)) await tryCommand(command, home)
  })
})

/** The programs in a language, each with its place, continued snippets put together. */
function joined(language: string): [place: string, text: string][] {
  const programs: { file: string; place: string; text: string }[] = []
  for (const snippet of snippets.filter((one) => one.language === language)) {
    const last = programs.at(-1)
    const isContinued = snippet.note.split(/\s+/).includes('continue')
    if (!isContinued) programs.push({ file: snippet.file, place: placeOf(snippet), text: snippet.text })
    else if (last?.file === snippet.file) last.text += snippet.text
    else throw new Error(`${placeOf(snippet)} continues nothing`)
  }
  return programs.map(({ place, text }) => [place, text])
}

/** Lines of a terminal without prompts, comments and what is printed. */
function commandsOf({ text }: Snippet): string[] {
  const lines = text.replace(/\\\n\s*/g, '').split('\n')
  return lines
    .map((line) =>
      line
        .replace(/^\$ /, '')
        .replace(/\s+#.*$/, '')
        .trim(),
    )
    .filter((line) => /^[^#\s]/.test(line))
}

async function tryCommand(command: string, home: string): Promise<void> {
  const [program, ...args] = command.split(/\s+/) as [string, ...string[]]
  if (program === 'varve') {
    const entry = join(root, 'packages/cli/dist/main.js')
    await run('sh', ['-c', `varve() { "${process.execPath}" "${entry}" "$@"; }\n${command}`], home)
    return
  }
  if (program === 'npm' || program === 'pnpm' || program === 'npx') {
    expect(isOffered(args), command).toBe(true)
    return
  }
  const allowed = /^(cd|mkdir|git (clone|log)|ls|bash \.ci\/run)\b/
  expect(command, 'a command that this test knows').toMatch(allowed)
}

/** Whether the workspace has the script, or gives away the package that would be installed. */
function isOffered(args: readonly string[]): boolean {
  const words = args.filter((arg) => !arg.startsWith('-'))
  const packages = packageFolders.map((name) => readManifest(`packages/${name}`).name)
  if (words[0] === 'install' || words[0] === 'add')
    return words.slice(1).every((name) => packages.includes(name))
  const script = words[0] === 'run' ? words[1] : words[0]
  return script !== undefined && (packages.includes(script) || script in (readManifest('.').scripts ?? {}))
}

async function run(program: string, args: string[], cwd: string): Promise<void> {
  try {
    await promisify(execFile)(program, args, { cwd, timeout: 55_000 })
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string }
    throw new Error(`${[program, ...args].join(' ')} failed\n${stdout ?? ''}${stderr ?? ''}`, {
      cause: error,
    })
  }
}

function placeOf({ file, line }: Snippet): string {
  return `${file}:${line}`
}
