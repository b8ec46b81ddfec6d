// npm run docs:errors: writes a page for each error code, and removes the pages of codes that are gone.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compile } from './compile.js'
import { errorPages } from './error-pages.js'
import { root } from './run.js'

compile()
const { codes } = await import('../packages/pack/dist/errors/index.js')
const pages = errorPages(codes)
mkdirSync(join(root, 'docs/errors'), { recursive: true })
for (const name of readdirSync(join(root, 'docs/errors'))) {
  if (!pages.has(`docs/errors/${name}`)) rmSync(join(root, 'docs/errors', name))
}
for (const [file, text] of pages) writeFileSync(join(root, file), text)
console.log(`${pages.size} pages written`)
