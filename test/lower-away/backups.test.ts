/** Backups of a store whose lower layer is not what it was. */
import { describe, expect, test } from 'vitest'
import { openMemory } from '../support/memory-store.ts'
import { layerPlaces, MovableLayer, placeFolders } from '../support/movable-layer.ts'
import { expectCode } from '../support/scenario.ts'
import { lowerFolder, makeTwoLayers } from '../support/two-layers.ts'

describe('a backup', () => {
  test.each(layerPlaces.slice(1))('says that the layer is %s, and leaves nothing', async (place) => {
    const disk = await makeTwoLayers({ bigBytes: 0 })
    if (place !== 'unreadable') await disk.mkdir(placeFolders[place])
    if (place === 'renamed') await disk.removeFolder(placeFolders[place])
    const layer = new MovableLayer(disk)
    const store = await openMemory(disk, { through: layer.through })
    layer.place = place
    await expectCode(store.backup('/disk/backup'), 'LOWER_UNAVAILABLE')
    expect(await disk.stat('/disk/backup')).toBeUndefined()
    layer.place = 'there'
    await store.backup('/disk/backup')
    await store.close()
  })

  test('names a file that a volume lacks', async () => {
    const disk = await makeTwoLayers({ bigBytes: 0 })
    const store = await openMemory(disk)
    const folder = `${lowerFolder}/volume-1`
    const name = (await disk.list(folder)).find((each) => each.endsWith('.pack')) as string
    await disk.remove(`${folder}/${name}`)
    await expect(store.backup('/disk/backup')).rejects.toMatchObject({
      code: 'CORRUPT',
      details: { file: `volume-1/${name}` },
    })
    expect(await disk.stat('/disk/backup')).toBeUndefined()
    await store.close()
  })
})
