// Formats all files and applies the safe fixes of the lint rules.
import { biome, runNode } from './run.js'
import { setUp } from './set-up.js'

setUp()
process.exit(runNode(biome, ['check', '--write', ...process.argv.slice(2)]))
