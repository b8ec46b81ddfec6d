/** Whose figures these are; those of the yardsticks were taken on the same machine, on the same day. */
export const referenceSource = 'irmin-pack 3.11.0 on a 2-vCPU AMD EPYC, Debian 12'
/** What the yardsticks ran with there. */
export const referenceTools = 'classic-level 3.0.0, Node.js 20.20.2, git 2.39.5'

export type YardstickName =
  | 'put'
  | 'getSync'
  | 'fast-import W1'
  | 'fast-import W2'
  | 'cat-file'
  | 'gc dropped'
  | 'gc all'

/** A median over rounds, and where they were recorded the least and the greatest. */
export interface ReferenceFigure {
  readonly median: number
  readonly min?: number
  readonly max?: number
}

/** In the units in which the yardsticks are measured here. */
export const referenceYardsticks: Readonly<Record<YardstickName, ReferenceFigure>> = {
  put: { median: 1.67, min: 1.55, max: 1.75 },
  getSync: { median: 2.53, min: 2.49, max: 2.74 },
  'fast-import W1': { median: 12.5, min: 12.2, max: 12.5 },
  'fast-import W2': { median: 10.8 },
  'cat-file': { median: 5.5, min: 3.1, max: 5.7 },
  'gc dropped': { median: 3.3, min: 3.13, max: 3.8 },
  'gc all': { median: 25.1, min: 24.8, max: 25.7 },
}

/** A figure of a workload, what the reference came to, and the yardsticks that do work of the same kind. */
export interface ReferenceWorkload {
  readonly step: string
  readonly what: string
  /** As it is called in the comparison. */
  readonly label: string
  readonly unit: '/s' | 's'
  readonly reference: ReferenceFigure
  readonly yardsticks: readonly YardstickName[]
}

const writing: readonly YardstickName[] = ['put', 'fast-import W1']
const reading: readonly YardstickName[] = ['getSync', 'cat-file']

export const referenceWorkloads: readonly ReferenceWorkload[] = [
  {
    step: 'W1',
    what: 'keys',
    label: 'W1: keys',
    unit: '/s',
    reference: { median: 9_012, min: 8_544, max: 9_574 },
    yardsticks: writing,
  },
  {
    step: 'W2',
    what: 'commits',
    label: 'W2: commits',
    unit: '/s',
    reference: { median: 19.1, min: 18.4, max: 19.7 },
    yardsticks: writing,
  },
  {
    step: 'W3 fresh',
    what: 'reads, first pass',
    label: 'W3 fresh: reads, first pass',
    unit: '/s',
    reference: { median: 55_837, min: 52_392, max: 61_532 },
    yardsticks: reading,
  },
  {
    // From the start of the collection until it has switched, as there.
    step: 'W4 idle',
    what: 'timed',
    label: 'W4 idle: whole collection',
    unit: 's',
    reference: { median: 1.13, min: 1.08, max: 1.26 },
    yardsticks: ['gc dropped'],
  },
]
