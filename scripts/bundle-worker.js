// Puts all that a background thread runs into one file, and what starts and feeds threads (Piscina) into two
// more: a file loads in a third of the time that many take, and the caller's thread waits for it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { root } from './run.js'

const home = join(root, 'packages', 'gc-worker')
const thread = join(home, 'dist', 'thread')
const piscina = dirname(createRequire(join(home, 'package.json')).resolve('piscina'))
const license = `/*!\n${readFileSync(join(piscina, '..', 'LICENSE'), 'utf8')}*/`
/** Piscina starts its threads with a file beside it, which has another name here. */
const [theirs, ours] = ["'worker.js'", "'pool-worker.cjs'"]

// What threads load is CommonJS: one that needs no loader of ECMAScript modules starts 8 ms sooner.
await bundle(join(thread, 'worker.js'), join(thread, 'worker.cjs'))
await bundle(join(piscina, 'worker.js'), join(thread, 'pool-worker.cjs'), license)
await bundle('piscina', join(thread, 'pool.mjs'), `${license}\nconst __dirname = import.meta.dirname;`)

/**
 * @param {string} input a file, or a package
 * @param {string} file
 * @param {string} [banner] how the file begins
 */
async function bundle(input, file, banner = '') {
  // What is left out would only be asked for by threads of another priority.
  const external = ['@napi-rs/nice']
  const plugins = [{ name: 'file of the threads', transform: renamed }]
  const made = await rolldown({ input, cwd: home, platform: 'node', external, plugins })
  await made.write({ file, format: file.endsWith('.mjs') ? 'esm' : 'cjs', banner })
  await made.close()
}

/**
 * @param {string} code
 * @param {string} id the file that it is from
 */
function renamed(code, id) {
  if (id !== join(piscina, 'index.js')) return undefined
  if (code.split(theirs).length !== 2) throw new Error(`Piscina names ${theirs} once`)
  return code.replace(theirs, ours)
}
