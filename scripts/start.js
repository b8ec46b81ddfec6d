// npm start: sets up, compiles and shows the main job on a real history. Arguments go to the demonstration.
import { compile } from './compile.js'
import { runNode } from './run.js'

compile()
process.exit(runNode('packages/cli/dist/demo/main.js', process.argv.slice(2)))
