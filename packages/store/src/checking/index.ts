/** Whether the files of a store are what was written: started, and told in the words of the interface. */
export { type CheckFolderParts, checkFolder, examineFolder } from './check-folder.ts'
export { type CheckRunParts, type Examined, type FilesToCheck, runCheck } from './check-run.ts'
export { checkVolume, readVolume } from './check-volume.ts'
export { FolderChecks } from './folder-checks.ts'
export { openTail } from './open-tail.ts'
export { StoreChecks } from './store-checks.ts'
export { type VolumeLayers, volumeLayers } from './volume-layers.ts'
