export { rootIn } from './named-tree.ts'
export { OverlayEdit } from './overlay-edit.ts'
export { finishSteps, paceSteps, restartable, type Steps } from './steps.ts'
export { writeTree } from './write-tree.ts'
