export { buildIndex, type IndexJob } from './build-index.ts'
