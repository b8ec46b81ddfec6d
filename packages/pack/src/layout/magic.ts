/**
 * The first bytes of every framed thing on disk, as ASCII. They are part of the persistent format: never
 * change one, and never give two things the same.
 */
export const magic = {
  chunk: 'VARVEPK1',
  segment: 'VARVESG1',
  map: 'VARVEMP1',
  index: 'VARVEIX1',
  checkpoint: 'VARVECK1',
  filter: 'VARVEBF1',
  control: 'VCTL',
  manifest: 'VMAN',
  batchHeader: 'VBAT',
  batchTrailer: 'VEND',
} as const
