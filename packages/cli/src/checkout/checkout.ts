import type { StoreReader, Tree } from '@varve/store'
import type { HostFiles } from '../host/index.ts'
import { type CheckoutPlan, planCheckout } from './checkout-plan.ts'
import type { ExistingPolicy } from './existing-files.ts'
import { type NameFolding, probeFolding } from './name-folding.ts'
import { examineFolder, makeTarget, removeTarget } from './target-folder.ts'
import { TreeWriter } from './tree-writer.ts'

export interface CheckoutOptions {
  readonly store: StoreReader
  /** How the store was named, if not by its real path: a link on that way is not harmed either. */
  readonly storeFolder?: string | undefined
  readonly files: HostFiles
  readonly existing: ExistingPolicy
  /** Write names that Git takes for its own. */
  readonly allowDotGit: boolean
  readonly signal: AbortSignal
  /** How the file system folds names; found out when it is not told. */
  readonly folding?: NameFolding | undefined
  /** Asked before anything in the folder is touched. */
  readonly confirm?: ((plan: CheckoutPlan, folder: string) => Promise<void>) | undefined
  readonly onProgress?:
    | ((done: { readonly entries: number; readonly bytes: number }, plan: CheckoutPlan) => void)
    | undefined
}

export interface CheckoutReport extends CheckoutPlan {
  /** The folder's real path. */
  readonly folder: string
}

/**
 * Writes a tree to a folder: exact bytes, names, and modes; symbolic links; submodules as empty folders.
 * Nothing is written when the tree cannot be: the whole of it is looked at first. Never into the store.
 * @throws CHECKOUT_COLLISION, INVALID_PATH, COLLECTED, ABORTED; CommandFailure NOT_EMPTY, EXISTS,
 * STORE_IN_THE_WAY, INVALID_LINK
 */
export async function checkout(
  tree: Tree,
  folder: string,
  options: CheckoutOptions,
): Promise<CheckoutReport> {
  const { store, files, existing, allowDotGit, signal } = options
  const target = await examineFolder(files, folder, { store: options.storeFolder ?? store.path, existing })
  await makeTarget(files, target)
  let plan: CheckoutPlan
  try {
    const folding = options.folding ?? (await probeFolding(files, target.path))
    const { storePlaces } = target
    plan = await planCheckout(tree, { store, folding, allowDotGit, storePlaces, signal })
    await options.confirm?.(plan, target.path)
  } catch (cause) {
    await removeTarget(files, target)
    throw cause
  }
  const done = { entries: 0, bytes: 0 }
  const writer = new TreeWriter({
    store,
    files,
    existing,
    signal,
    onWritten: ({ size }) => {
      done.entries++
      done.bytes += size
      options.onProgress?.(done, plan)
    },
  })
  await writer.write(tree, target.path)
  return { ...plan, folder: target.path }
}
