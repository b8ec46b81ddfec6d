/**
 * A tree of the store as files. Never through a symbolic link, never outside the folder, and nothing at all
 * when two names would become one. It does not guard against others that change the folder meanwhile.
 */
export { type CheckoutOptions, type CheckoutReport, checkout } from './checkout.ts'
export { type CheckoutPlan, planCheckout, type UnlikeGit } from './checkout-plan.ts'
export { type DryRunReport, dryRun } from './dry-run.ts'
export type { ExistingPolicy } from './existing-files.ts'
export { foldedName, type NameFolding, probeFolding } from './name-folding.ts'
export { type Removal, removals } from './removals.ts'
