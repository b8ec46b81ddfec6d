/** What a shell asks while a command line is being typed. Loads no store: it must answer within 100 ms. */
export { type Candidate, type Candidates, candidatesFor } from './candidates.ts'
export { completionScript, filesLine, type Shell, shells } from './completion-script.ts'
