import { createRequire } from 'node:module'

const manifest = createRequire(import.meta.url)('varve/package.json') as { readonly version: string }

/** Of this package. */
export const version: string = manifest.version
