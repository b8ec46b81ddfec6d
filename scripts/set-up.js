// Installs the packages that the lock file names, if that has not been done yet. Needs nothing but Node and
// npm.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, stopUnlessOk } from './run.js'

const pnpm = 'pnpm@10.34.9'
/** Written last, so it is only there when an installation has been completed. */
const stampFile = join(root, 'node_modules', '.set-up')

/** Leaves the packages installed as the lock file says; returns at once when they are. */
export function setUp() {
  requireNode()
  const stamp = wantedState()
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  console.log('Installing packages (only the first time, and after a change of dependencies)')
  // CI=true: pnpm asks no questions, which could not be answered without a terminal.
  const code = run('npx', ['--yes', pnpm, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    CI: 'true',
  })
  stopUnlessOk(code, 'Installing packages')
  writeFileSync(stampFile, stamp)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`Node.js 20.19 or newer is needed; this is ${process.versions.node}`)
  process.exit(1)
}

/**
 * Changes whenever another installation would be needed: lock file, manifests, Node's binary interface,
 * machine.
 */
function wantedState() {
  const hash = createHash('sha256')
  hash.update([pnpm, process.platform, process.arch, process.versions.modules].join(' '))
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests()]) {
    hash.update(`\n${file}\n`).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

function manifests() {
  const packages = readdirSync(join(root, 'packages')).sort()
  const folders = ['.', ...packages.map((name) => `packages/${name}`), 'benchmarks', 'test']
  return folders.map((folder) => join(folder, 'package.json')).filter((file) => existsSync(join(root, file)))
}
