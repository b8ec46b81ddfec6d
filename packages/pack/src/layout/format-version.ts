/** The version of every file but control; `docs/format.md` has the history. */
export const formatVersion = 1

/**
 * What control says: 1 of a store without a lower layer, 2 of one with it, so that a build that knows no
 * volumes refuses the store instead of taking what is archived for collected. This build knows both.
 */
export const storeFormat = { plain: 1, layered: 2 } as const
