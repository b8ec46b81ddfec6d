import { type StoreReader, VarveError } from '@varve/store'
import { expect } from 'vitest'
import { readRefs } from './read-whole.ts'
import type { Specimen } from './specimen.ts'

/** Asserts that every object of the specimen is found by its hash, and every ref where it was. */
export async function expectAllOf({ holdings }: Specimen, store: StoreReader): Promise<void> {
  for (const hash of holdings.blobs.keys()) expect(await store.getBlob(hash)).toBeDefined()
  for (const hash of holdings.trees) expect(await store.getTree(hash)).toBeDefined()
  for (const hash of holdings.commits.keys()) expect(await store.getCommit(hash)).toBeDefined()
  const refs = Object.entries(await readRefs(store)).map(([key, { commit }]) => [key, commit] as const)
  expect(new Map(refs)).toEqual(holdings.refs)
}

export async function headsOf(store: StoreReader): Promise<Record<string, string | undefined>> {
  const heads: Record<string, string | undefined> = {}
  for await (const branch of store.branches()) heads[branch.name] = (await branch.head())?.hash
  for await (const tag of store.tags()) heads[`tag ${tag.name}`] = (await tag.target())?.hash
  return heads
}

/** What a call fails with; `undefined`: it does not. @throws what is no failure of ours */
export async function failureOf(work: Promise<unknown>): Promise<VarveError | undefined> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error !== undefined && !VarveError.is(error)) throw error
  return error as VarveError | undefined
}
