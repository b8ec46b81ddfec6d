export { PlaceTable } from './place-table.ts'
