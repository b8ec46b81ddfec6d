import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, runNode, stopUnlessOk, tsc } from './run.js'
import { setUp } from './set-up.js'

/** Where each built folder comes from. */
const outputs = [
  ...readdirSync(join(root, 'packages'))
    .sort()
    .map((name) => ({ src: `packages/${name}/src`, dist: `packages/${name}/dist` })),
  { src: 'benchmarks/src', dist: 'benchmarks/dist' },
  { src: 'test/programs', dist: 'test/dist' },
]

/** Sets up and compiles everything that is not compiled yet; ends the script if that fails. */
export function compile() {
  setUp()
  for (const { src, dist } of outputs) removeStale(join(root, src), join(root, dist))
  stopUnlessOk(runNode(tsc, ['-b']), 'Compiling')
  stopUnlessOk(runNode('scripts/bundle-worker.js'), 'Bundling')
}

/**
 * Removes built files whose source is gone: the compiler never does, and a test could still import them.
 * @param {string} src
 * @param {string} dist
 */
function removeStale(src, dist) {
  if (!existsSync(dist)) return
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(d\.ts|js)(\.map)?$/.test(entry.name)) continue
    const built = join(entry.parentPath, entry.name)
    const source = join(src, built.slice(dist.length)).replace(/\.(d\.ts|js)(\.map)?$/, '.ts')
    if (!existsSync(source)) rmSync(built)
  }
}
