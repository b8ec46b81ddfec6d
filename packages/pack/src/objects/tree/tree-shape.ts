/** The two numbers that decide which nodes a directory is cut into. Same shape and same names: same nodes. */
export interface TreeShape {
  /** A directory, or a subtree of one, with at most this many entries is one leaf. At most 62. */
  readonly leafMax: number
  /** Bits of the name that one inner node tells apart: it has at most 2^bits children. 2 to 5. */
  readonly bits: number
}

/** Limits of the encoding: the ends of records in a leaf are 16-bit, the slots of an inner node 32 bits. */
export const leafMaxLimit = 62
export const bitsMin = 2
export const bitsMax = 5

/**
 * The shape of format 1. Never changes within it; `docs/design/0001-tree-shape.md` holds the measurements.
 */
export const treeShape: TreeShape = { leafMax: 32, bits: 5 }
