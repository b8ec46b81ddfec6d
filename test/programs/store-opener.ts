/**
 * Opens the store in a folder and says how that went, as one line of JSON. With 'hold', commits once and
 * keeps the store open until its input ends. Runs as a process and as a thread.
 */
import { Store, VarveError } from '@varve/store'

const [folder = '', how = 'ask'] = process.argv.slice(2)
try {
  const store = await Store.open(folder)
  const isHolder = how === 'hold'
  const commit = isHolder ? await store.branch('held').commit((edit) => void edit.set('a', 'b')) : undefined
  process.stdout.write(`${JSON.stringify({ code: 'opened', commit: commit?.hash })}\n`)
  if (isHolder) for await (const _ of process.stdin);
  await store.close()
} catch (error) {
  if (!VarveError.is(error, 'STORE_LOCKED')) throw error
  process.stdout.write(`${JSON.stringify({ code: error.code, ...error.details })}\n`)
}
