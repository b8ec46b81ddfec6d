/** The volumes of the lower layer as a check is told of them: what their manifests list. */
import type { LayerFiles } from '@varve/gc-worker'
import { VarveError } from '@varve/pack/errors'
import type { FileSystem } from '@varve/pack/fs'
import { fileName } from '@varve/pack/layout'
import {
  type ControlState,
  type ControlVolume,
  decodeManifest,
  encodeManifest,
  manifestSum,
  type VolumeManifest,
} from '@varve/pack/pack'
import type { CheckFinding } from '../api/index.ts'

export interface VolumeLayers {
  readonly layers: readonly LayerFiles[]
  readonly findings: readonly CheckFinding[]
  /** Some volume is not among the layers. */
  readonly hasAway: boolean
}

/**
 * @param lower folder of the lower layer; `undefined`: it is not to be looked at
 * @throws NEWER_FORMAT
 */
export async function volumeLayers(
  fs: FileSystem,
  control: ControlState,
  lower: string | undefined,
): Promise<VolumeLayers> {
  const layers: LayerFiles[] = []
  const findings: CheckFinding[] = []
  for (const volume of lower === undefined ? [] : control.volumes) {
    const manifest = await readManifest(
      fs,
      { lower: lower ?? '', storeId: control.storeId, volume },
      findings,
    )
    if (manifest === undefined) continue
    layers.push({
      folder: `${lower}/${fileName.volume(volume.id)}`,
      prefix: `${fileName.volume(volume.id)}/`,
      storeId: control.storeId,
      chunks: manifest.chunks,
      unindexed: [],
      segments: manifest.segments,
    })
  }
  return { layers, findings, hasAway: layers.length < control.volumes.length }
}

async function readManifest(
  fs: FileSystem,
  o: { readonly lower: string; readonly storeId: string; readonly volume: ControlVolume },
  findings: CheckFinding[],
): Promise<VolumeManifest | undefined> {
  const { lower, storeId, volume } = o
  const file = `${fileName.volume(volume.id)}/${fileName.manifest(volume.manifest)}`
  const find = (severity: 'error' | 'warning', offset: number, what: string, repairable: boolean): void => {
    findings.push({ severity, file, offset, what, repairable })
  }
  let bytes: Buffer
  try {
    bytes = await fs.readFile(`${lower}/${file}`)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    find('warning', 0, `the volume is away, and was not checked: ${error.message}`, false)
    return undefined
  }
  try {
    const manifest = decodeManifest(bytes, file)
    if (manifest.storeId !== storeId || manifestSum(manifest) !== volume.checksum) {
      find(
        'warning',
        0,
        'it is not the manifest that this store has written: the volume was not checked',
        false,
      )
      return undefined
    }
    findings.push(...damagedCopy(bytes, manifest, file))
    return manifest
  } catch (error) {
    if (!VarveError.is(error, 'CORRUPT')) throw error
    find('error', error.details.offset, error.message, false)
    return undefined
  }
}

/** What is wrong with the bytes of a manifest that can be read. */
export function damagedCopy(bytes: Buffer, manifest: VolumeManifest, file: string): CheckFinding[] {
  const offset = firstDifference(bytes, encodeManifest(manifest))
  const what = 'one of its two copies is damaged, or a byte between them'
  return offset < 0 ? [] : [{ severity: 'error', file, offset, what, repairable: true }]
}

/** -1: they are the same. */
function firstDifference(a: Buffer, b: Buffer): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return i
  return a.length === b.length ? -1 : shared
}
