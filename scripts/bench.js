// pnpm bench: sets up, compiles and runs the benchmarks whose names begin with one of the arguments, or all.
import { compile } from './compile.js'
import { runNode } from './run.js'

compile()
process.exit(runNode('benchmarks/dist/main.js', process.argv.slice(2)))
