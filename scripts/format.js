// npm run format: formats the files given, or all, wraps their comments, and applies the safe fixes of the
// lint rules.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { biome, root, runNode } from './run.js'
import { setUp } from './set-up.js'
import { wrapComments } from './wrap-comments.js'

setUp()
const given = process.argv.slice(2)
const places = given.length > 0 ? given : ['packages', 'test', 'benchmarks', 'scripts', 'vitest.config.ts']
for (const file of places.flatMap((place) => sourcesIn(join(root, place)))) {
  if (wrapComments(file)) console.log(`wrapped ${file}`)
}
process.exit(runNode(biome, ['check', '--write', ...given]))

/**
 * @param {string} place
 * @returns {string[]}
 */
function sourcesIn(place) {
  if (!statSync(place).isDirectory()) return /\.[jt]s$/.test(place) ? [place] : []
  if (/[\\/](node_modules|dist)$/.test(place)) return []
  return readdirSync(place).flatMap((name) => sourcesIn(join(place, name)))
}
