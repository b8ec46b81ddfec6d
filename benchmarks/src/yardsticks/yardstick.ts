import type { Step } from '../measuring/step.ts'
import type { YardstickName } from './reference.ts'

/** Work of other programs, measured here and on the machine of the reference; it yields one figure. */
export interface Yardstick extends Step {
  readonly name: YardstickName
  /** The step of the workloads behind which it runs, in the same minute. */
  readonly behind: string
  readonly needsGit: boolean
  /** Too long for every round. */
  readonly isHeavy: boolean
}
