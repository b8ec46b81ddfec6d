import type { Host, HostOutput } from '../host/index.ts'

export type ColorChoice = 'auto' | 'always' | 'never'

/** Paints text for a terminal, or leaves it as it is. */
export interface Palette {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  cyan(text: string): string
}

/**
 * Colours on a terminal, unless `NO_COLOR` is set (to anything but nothing) or the terminal is a dumb one.
 */
export function paletteFor(choice: ColorChoice, host: Host, output: HostOutput): Palette {
  const { NO_COLOR, TERM } = host.environment
  const isWelcome = output.isTerminal && (NO_COLOR ?? '') === '' && TERM !== 'dumb'
  return choice === 'always' || (choice === 'auto' && isWelcome) ? coloured : plain
}

const paint =
  (on: number, off: number) =>
  (text: string): string =>
    `\u001b[${on}m${text}\u001b[${off}m`

const coloured: Palette = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
}

const same = (text: string): string => text

export const plain: Palette = {
  bold: same,
  dim: same,
  red: same,
  green: same,
  yellow: same,
  cyan: same,
}
