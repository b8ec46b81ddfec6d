/** Reads the values of options; what is wrong with one is told by commander, with the option's name. */

import { InvalidArgumentError } from 'commander'

export function countValue(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('A whole number is needed.')
  return Number(text)
}

export function depthValue(text: string): number {
  const count = countValue(text)
  if (count === 0) throw new InvalidArgumentError('At least 1 is needed.')
  return count
}

export function durationValue(text: string): string {
  if (!/^\d+(?:\.\d+)?(?:ms|[smhdwy])$/.test(text)) {
    throw new InvalidArgumentError("A number and its unit are needed: '30s', '10m', '2h', '1d'.")
  }
  return text
}

/** 'OFFSET:LENGTH' or 'OFFSET:'. */
export function rangeValue(text: string): { readonly offset: number; readonly length: number | undefined } {
  const match = /^(\d{1,15}):(\d{0,15})$/.exec(text)
  if (match === null) throw new InvalidArgumentError("OFFSET:LENGTH is needed, or 'OFFSET:' to the end.")
  return { offset: Number(match[1]), length: match[2] === '' ? undefined : Number(match[2]) }
}

/** '2%', or '0.02': above 0, at most 1. */
export function partValue(text: string): number {
  const match = /^(\d{1,3}(?:\.\d+)?)(%?)$/.exec(text)
  const part = Number(match?.[1] ?? 0) / (match?.[2] === '%' ? 100 : 1)
  if (part > 0 && part <= 1) return part
  throw new InvalidArgumentError("A part is needed: '2%', or '0.02'; at most '100%'.")
}

/** For options that may be given more than once. */
export function listed(text: string, before: readonly string[] = []): string[] {
  return [...before, text]
}
