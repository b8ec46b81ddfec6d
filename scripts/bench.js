// pnpm bench: sets up, compiles and runs the workloads on whole stores, or the benchmarks whose names begin
// with one of the arguments.
import { compile } from './compile.js'
import { runNode } from './run.js'

compile()
process.exit(runNode('benchmarks/dist/main.js', process.argv.slice(2)))
