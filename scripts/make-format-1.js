// Made the frozen store in test/fixtures/format-1 with the build that first wrote format 1. It is kept to
// tell what is in there, and never run over it: a frozen store shows what that build wrote, not this one.
//
//   node scripts/make-format-1.js NEW-FOLDER
//
// Ids, times, and contents are the same each time; the nonces of segments are random.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openStore } from '@varve/store/internal'
import { holdingsOf } from '../test/support/store-holdings.js'

const [given] = process.argv.slice(2)
if (given === undefined || existsSync(given)) {
  console.error('usage: node scripts/make-format-1.js NEW-FOLDER')
  process.exit(2)
}
const folder = resolve(given)
mkdirSync(folder, { recursive: true })

let now = 1_700_000_000_000
let drawn = 0
/** @param {number} size */
const random = (size) => seeded(`random ${drawn++}`, size)
const options = { author: 'Ada <ada@example.org>', now: () => now }
const open = () => openStore(join(folder, 'store'), options, { random })

let store = await open()
const main = store.branch('main')
await commit('first', (edit) => {
  for (let i = 0; i < 50; i++) edit.set(`many/entry-${i}`, `entry ${i} of the first commit\n`)
  edit.set('readme.md', '# A store of format 1\n').set('empty', '')
  edit.set('bin/run', '#!/bin/sh\n', { mode: 'executable' }).set('bin/link', 'run', { mode: 'symlink' })
  edit.set('module', '0123456789012345678901234567890123456789', { mode: 'submodule' })
  edit.set([Buffer.from('names'), Buffer.from([0x63, 0x61, 0x66, 0xe9])], 'a name that is no UTF-8\n')
  edit.set('names/gr\u00fc\u00df dich', 'a name that is\n')
})
const gone = await commit('soon gone', (edit) => void edit.set('gone', 'only here\n'))
const target = await commit('with a large blob', (edit) => {
  edit.set('large', seeded('large', 300_000)).delete('gone')
})
await store.branch('side').set(target)
await store.branch('short-lived').set(target)
await store.tag('v1').create(target, { message: 'the first\n', date: now })
await store.gc.run(target, { grace: 0 })

tick()
await store.branch('short-lived').delete()
await store.branch('side').commit((edit) => void edit.set('side', 'only on the side\n'), {
  message: 'on the side',
  extra: { 'git-id': 'f'.repeat(40), note: 'an extra field' },
})
await commit('after the collection', (edit) => void edit.set('many/entry-7', 'entry 7 anew\n'))
await store.advanced.split()
await commit('in the open chunk', (edit) => void edit.set('large', seeded('large', 300_001)).delete('empty'))
const bare = await store.putBlob('put bare\n')
await store.putBlob('# A store of format 1\n')
await store.tag('light').create(target)
await store.flush()
await store.close()

store = await open()
const holdings = { ...(await holdingsOf(store)), bare, gone: gone.hash }
await store.close()
for (const name of ['db', 'lock']) rmSync(join(folder, 'store', name), { recursive: true })
writeFileSync(join(folder, 'holdings.json'), `${JSON.stringify(holdings, null, 2)}\n`)

/**
 * @param {string} message
 * @param {(edit: import('@varve/store').TreeEdit) => void} change
 */
function commit(message, change) {
  tick()
  return main.commit(change, { message })
}

function tick() {
  now += 60_000
}

/**
 * Bytes that repeat nowhere.
 * @param {string} seed
 * @param {number} size
 */
function seeded(seed, size) {
  const parts = []
  for (let at = 0; at < size; at += 32) parts.push(createHash('sha256').update(`${seed} ${at}`).digest())
  return Buffer.concat(parts).subarray(0, size)
}
