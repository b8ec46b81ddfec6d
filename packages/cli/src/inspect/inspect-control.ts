import { decodeControl } from '@varve/pack/pack'
import type { Finding } from './finding.ts'
import type { InspectedFile } from './inspected-file.ts'

export async function* inspectControl({ fs, folder, name }: InspectedFile): AsyncGenerator<Finding> {
  const { state, wholeCopies } = decodeControl(await fs.readFile(`${folder}/${name}`))
  const { chunks, segments, volumes, checkpoint, target, ...facts } = state
  yield { type: 'control', ...facts, wholeCopies }
  for (const chunk of chunks) yield { type: 'control-chunk', ...chunk }
  for (const segment of segments) yield { type: 'control-segment', ...segment }
  for (const volume of volumes) yield { type: 'control-volume', ...volume }
  if (checkpoint !== null) yield { type: 'control-checkpoint', ...checkpoint }
  if (target !== null) yield { type: 'control-target', ...target }
}
