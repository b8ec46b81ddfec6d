/** Each way in which the layer can go away, where it is linked to and where it is copied to. */
import { describe, test } from 'vitest'
import { everyStep, ways } from '../support/layer-goes-away.ts'
import { lifeKinds } from '../support/layered-life.ts'

describe.each(lifeKinds)('an archive (%s)', (kind) => {
  describe.each(ways)('whose layer is %s at any step', (way) => {
    test('is made again when it is back, on one file system', () => everyStep(kind, way, true))
    test('is made again when it is back, on two', () => everyStep(kind, way, false))
  })
})
