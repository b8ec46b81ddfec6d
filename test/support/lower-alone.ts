import { resolve } from 'node:path'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import { manifestSum, readControl } from '@varve/pack/pack'
import { expect } from 'vitest'
import { expectVolumeAlone } from './volume-alone.ts'

/**
 * Asserts of the volumes that control names: each is what control says and complete by itself, and they
 * follow each other without gaps up to the retire boundary. Does nothing for a store without a lower layer.
 */
export async function expectLowerAlone(
  fs: FileSystem,
  folder: string,
  o: { readonly mayHoldMore?: boolean } = {},
): Promise<void> {
  const { state } = await readControl(fs, folder)
  if (state.lower === null) return
  const lower = resolve(folder, state.lower)
  let before: { readonly high: number } | undefined
  for (const { id, manifest: sequence, checksum, low, high } of state.volumes) {
    const path = `${lower}/${fileName.volume(id)}`
    const { manifest } = await expectVolumeAlone(fs, path, { sequence, ...o })
    expect(manifest).toMatchObject({ storeId: state.storeId, id, low, high })
    expect(manifestSum(manifest)).toBe(checksum)
    if (before !== undefined) expect(low, 'volumes follow each other').toBe(before.high)
    before = { high }
  }
  expect(before?.high, 'what is below the boundary is archived').toBe(state.retire)
}
