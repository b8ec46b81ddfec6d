/** The world around a command: its streams, its files, its clock. Commands know only the interface. */
export type { Host, HostInput, HostOutput, HostPager, PagerCommand } from './host.ts'
export type { HostFileKind, HostFiles, HostPath, NewFile } from './host-files.ts'
export { NodeFiles } from './node-files.ts'
export { nodeHost } from './node-host.ts'
