// npm test: sets up, compiles and runs the tests. Arguments go to vitest, as in `npm test -- packages/pack`;
// --long runs the tests that take too long for every day, and only those.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from './compile.js'
import { root, runNode, vitest } from './run.js'

const args = process.argv.slice(2)
const isLong = args.includes('--long')
const report = join(root, '.cache', 'test-report.json')

rmSync(report, { force: true })
compile()
mkdirSync(join(root, '.cache'), { recursive: true })
const projects = isLong ? ['long'] : ['unit', 'whole', 'tidy']
const code = runNode(vitest, [
  'run',
  ...projects.map((project) => `--project=${project}`),
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...args.filter((arg) => arg !== '--long'),
])
process.exit(code)
