// Puts all that a background thread runs into one file: a thread loads it in a third of the time that a
// hundred files take.
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './run.js'

const folder = join(root, 'packages', 'gc-worker', 'dist')
const bundle = await rolldown({ input: join(folder, 'thread', 'worker.js'), platform: 'node' })
await bundle.write({ file: join(folder, 'thread', 'worker.mjs'), format: 'esm' })
await bundle.close()
