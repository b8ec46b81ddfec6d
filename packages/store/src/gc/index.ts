/**
 * Collecting: who may start one, what states it goes through, and how it catches up. Knows commits as places
 * only.
 */
export { asCollectionError, Collection, type CollectionState } from './collection.ts'
export type {
  CollectionFigures,
  CollectionHost,
  CollectionOrder,
  CollectionWorker,
  CommitPlace,
} from './collection-host.ts'
export { GarbageCollector } from './garbage-collector.ts'
export { StallMeter } from './stall-meter.ts'
