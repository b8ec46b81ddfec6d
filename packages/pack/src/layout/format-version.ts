/**
 * The newest version of the on-disk format that this build reads and writes; `docs/format.md` has the
 * history.
 */
export const formatVersion = 1
