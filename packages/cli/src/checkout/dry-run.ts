import type { Tree } from '@varve/store'
import type { CheckoutOptions, CheckoutReport } from './checkout.ts'
import { planCheckout } from './checkout-plan.ts'
import { type Removal, removals } from './removals.ts'
import { examineFolder } from './target-folder.ts'

export interface DryRunReport extends CheckoutReport {
  /** `undefined` when nothing is to be deleted, whatever is there. */
  readonly removals: readonly Removal[] | undefined
}

/**
 * What a checkout would do; it is refused as that would be, but for names that only the folder's own file
 * system takes for one.
 * @throws INVALID_PATH, COLLECTED, ABORTED; CommandFailure NOT_EMPTY, EXISTS, STORE_IN_THE_WAY,
 * INVALID_LINK
 */
export async function dryRun(
  tree: Tree,
  folder: string,
  options: Omit<CheckoutOptions, 'confirm' | 'onProgress' | 'folding'>,
): Promise<DryRunReport> {
  const { store, files, existing, allowDotGit, signal } = options
  const home = options.storeFolder ?? store.path
  const target = await examineFolder(files, folder, { store: home, existing })
  const { storePlaces } = target
  const plan = await planCheckout(tree, { store, folding: 'none', allowDotGit, storePlaces, signal })
  const found = existing === 'delete' ? await listed(removals(files, tree, target.path)) : undefined
  return { ...plan, folder: target.path, removals: found }
}

async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
