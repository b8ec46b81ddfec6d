import type { Yardstick } from './yardstick.ts'
import { yardsticks } from './yardsticks.ts'

/** Which yardsticks a run takes: those that fit into every round, or none of them, or all. */
export const yardstickChoices = ['usual', 'none', 'all'] as const

export type YardstickChoice = (typeof yardstickChoices)[number]

export interface ChosenYardsticks {
  readonly chosen: readonly Yardstick[]
  /** Names of those that cannot run here. */
  readonly withoutGit: readonly string[]
}

export function chooseYardsticks(choice: YardstickChoice, o: { readonly hasGit: boolean }): ChosenYardsticks {
  const wanted = yardsticks.filter(({ isHeavy }) => choice === 'all' || (choice === 'usual' && !isHeavy))
  return {
    chosen: wanted.filter(({ needsGit }) => o.hasGit || !needsGit),
    withoutGit: wanted.filter(({ needsGit }) => needsGit && !o.hasGit).map(({ name }) => name),
  }
}
