/** A store's whole life in one process: commits, large blobs, a collection, and an opening after it. */
import { Store } from '@varve/store'

const [folder = ''] = process.argv.slice(2)
const kib = 1024
const options = { author: 'Ada' }

const store = await Store.open(folder, options)
const branch = store.branch('main')
for (let i = 0; i < 12; i++) {
  await branch.commit((edit) => {
    for (let k = 0; k < 800; k++) edit.set([`folder ${k % 17}`, `${i}-${k}`], Buffer.alloc(200, i * 7 + k))
    edit.set(`large ${i}`, Buffer.alloc(900 * kib, i))
  })
}
await store.putBlob(Buffer.alloc(5000 * kib, 'much'))
await store.gc.run(await store.resolve('main~5'), { grace: 0 })
await store.close()

const again = await Store.open(folder, options)
const { length } = (await again.branch('main').get('large 3')) ?? []
await again.close()
process.stdout.write(`${length} bytes\n`)
