import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Benchmark, Figure } from '../benchmark.ts'
import { git, initRepository } from '../git/git.ts'
import { historyScript } from './history-script.ts'

const manifest = createRequire(import.meta.url).resolve('varve/package.json')
const program = join(dirname(manifest), 'dist', 'main.js')
/** Told on stderr when the command ends. */
const tellMemory = "data:text/javascript,process.on('exit',()=>console.error(process.resourceUsage().maxRSS))"

/** The command as a whole process, on a history made here. */
export const gitImportBenchmark: Benchmark = {
  name: 'git-import',
  about: 'varve import git, into a new store; 12,000 commits, 132,000 objects; then again',
  run: importTwice,
}

async function* importTwice(): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(tmpdir(), 'varve-bench-'))
  try {
    const repository = join(folder, 'repository')
    await makeRepository(repository)
    const store = join(folder, 'store')
    command(['-s', store, 'init'])
    for (const which of ['first import', 'second import']) {
      const { report, peakBytes } = command(['-s', store, '--json', 'import', 'git', repository])
      const { objects, seconds } = JSON.parse(report) as { objects: number; seconds: number }
      if (objects > 0) yield { what: `${which}: objects`, value: objects / seconds, unit: '/s' }
      else yield { what: `${which}: time`, value: seconds, unit: 's' }
      yield { what: `${which}: peak resident memory`, value: peakBytes / 1e6, unit: 'MB' }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function command(args: readonly string[]): { report: string; peakBytes: number } {
  const done = spawnSync(process.execPath, ['--import', tellMemory, program, ...args], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(done.stderr)
  return { report: done.stdout, peakBytes: Number(done.stderr.trim().split('\n').at(-1)) * 1024 }
}

async function makeRepository(folder: string): Promise<void> {
  await initRepository(folder)
  await git(folder, ['fast-import', '--quiet'], historyScript())
}
