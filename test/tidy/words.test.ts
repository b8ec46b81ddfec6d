import { describe, expect, test } from 'vitest'
import { listFiles, readText } from './support/workspace.ts'

/** Words that the project never says, in pieces, so that this file does not say them either. */
const banned: readonly { readonly what: string; readonly words: RegExp }[] = [
  { what: 'unfinished work', words: either('TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX') },
  {
    what: 'a path of one machine',
    words: new RegExp(['/wo', 'rk/|/ho', 'me/|/ro', 'ot/|/Us', 'ers/'].join('')),
  },
  {
    what: 'an address of a registry',
    words: new RegExp(['registry\\.', '(npm|yarn)|npm', 'mirror|arti', 'factory'].join('')),
  },
  { what: 'who writes and how', words: either('age' + 'nts?', 'sess' + 'ions?', 'LL' + 'M', 'chat' + 'bot') },
  {
    what: 'a number of a tracker',
    words: new RegExp(['\\b(iss', 'ue|PR|tick', 'et)s? #?\\d'].join(''), 'i'),
  },
]

const textFiles = listFiles().filter(
  (file) => !/\.(png|pack|idx|map|ckpt)$|\/store\/control$/.test(file) && file !== 'pnpm-lock.yaml',
)

describe('words', () => {
  test.each(banned)('nobody mentions $what', ({ words }) => {
    const found = textFiles.flatMap((file) =>
      readText(file)
        .split('\n')
        .flatMap((line, index) => (words.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
    )
    expect(found).toEqual([])
  })

  test('files end with a line break, without spaces at the ends of lines', () => {
    const wrong = textFiles.filter((file) => {
      const text = readText(file)
      return text !== '' && (!text.endsWith('\n') || text.includes('\r') || /[ \t]$/m.test(text))
    })
    expect(wrong).toEqual([])
  })
})

function either(...words: readonly string[]): RegExp {
  return new RegExp(`\\b(${words.join('|')})\\b`, 'i')
}
