export { RegionBits, regionBytes, regionOf, slotsPerRegion } from './region-bits.ts'
export { SlotTable, type SlotTableOptions } from './slot-table.ts'
export { SpillFile } from './spill-file.ts'
