/** What a store answers, to readers and to its writer alike: nothing here writes. */
export type { Toucher } from './has-blobs.ts'
export { StoreAnswers } from './store-answers.ts'
