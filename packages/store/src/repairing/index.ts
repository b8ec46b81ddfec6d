/** A damaged store made whole again: what can be done about what a check has found. */
export type { RepairReport, RepairStep } from './repair-step.ts'
export { type RepairOptions, repairStore } from './repair-store.ts'
