/** What control says of a segment. */
export interface SegmentInfo {
  readonly number: number
  /** The virtual offsets that it may hold: [low, high). */
  readonly low: number
  readonly high: number
  /** Of the pack file. */
  readonly bytes: number
  readonly objects: number
}
