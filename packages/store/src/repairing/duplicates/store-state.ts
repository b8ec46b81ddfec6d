import { resolve } from 'node:path'
import type { ControlState } from '@varve/pack/pack'

/** A store's folder and what control says of it. */
export interface StoreState {
  readonly folder: string
  readonly control: ControlState
}

/** Folder of its lower layer; `undefined`: it has none. */
export function lowerOf({ folder, control }: StoreState): string | undefined {
  return control.lower === null ? undefined : resolve(folder, control.lower)
}
