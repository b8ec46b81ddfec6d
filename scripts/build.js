// npm run build: sets up and compiles every package to its dist folder.
import { compile } from './compile.js'

compile()
