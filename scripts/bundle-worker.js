// Puts all that a background thread runs into one file, and what starts and feeds threads (Piscina) into two
// more: a file loads in a third of the time that many take, and the caller's thread waits for it.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './run.js'

const home = join(root, 'packages', 'gc-worker')
const dist = join(home, 'dist')
const pool = join(dist, 'pool')
const piscina = dirname(createRequire(join(home, 'package.json')).resolve('piscina'))
const license = `/*!\n${readFileSync(join(piscina, '..', 'LICENSE'), 'utf8')}*/`

// What threads load is CommonJS: one that needs no loader of ECMAScript modules starts 8 ms sooner.
await bundle(join(dist, 'thread', 'worker.js'), join(dist, 'thread', 'worker.cjs'))
// Piscina starts its threads with the file of this name beside it.
await bundle(join(piscina, 'worker.js'), join(pool, 'worker.js'), license)
writeFileSync(join(pool, 'package.json'), '{ "type": "commonjs" }\n')
await bundle('piscina', join(pool, 'piscina.mjs'), `${license}\nconst __dirname = import.meta.dirname;`)

/**
 * @param {string} input a file, or a package
 * @param {string} file
 * @param {string} [banner] how the file begins
 */
async function bundle(input, file, banner = '') {
  // What is left out would only be asked for by threads of another priority.
  const made = await rolldown({ input, cwd: home, platform: 'node', external: ['@napi-rs/nice'] })
  await made.write({ file, format: file.endsWith('.mjs') ? 'esm' : 'cjs', banner })
  await made.close()
}
