/** Part of the format: the table of format 1 never changes, or equal content would be cut differently. */
const gearSeed = 0x7661727665_2031n
const mask64 = 0xffff_ffff_ffff_ffffn

/** One pseudo-random 32-bit word a byte value: the high halves of SplitMix64's outputs from a fixed seed. */
export const gearTable: Int32Array = makeGearTable()

/** SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014). */
function makeGearTable(): Int32Array {
  const table = new Int32Array(256)
  let state = gearSeed
  for (let i = 0; i < table.length; i++) {
    state = (state + 0x9e3779b97f4a7c15n) & mask64
    let z = state
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64
    table[i] = Number((z ^ (z >> 31n)) >> 32n) | 0
  }
  return table
}
