import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gitExtra, parseCommit, rebuildCommit } from './commit-object.ts'
import { gitId } from './git-id.ts'

const tree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
const parent = '0123456789abcdef0123456789abcdef01234567'
const who = 'Ada Lovelace <ada@example.org>'

function commitOf(content: string | Buffer): ReturnType<typeof parseCommit> {
  const bytes = Buffer.from(content as string)
  return parseCommit(gitId('commit', bytes, 20), bytes)
}

function object(o: { headers?: string; message?: string; author?: string } = {}): string {
  const author = o.author ?? `${who} 1700000000 +0200`
  return (
    `tree ${tree}\nparent ${parent}\nauthor ${author}\ncommitter ${who} 1700000100 -0330\n` +
    `${o.headers ?? ''}\n${o.message ?? 'subject\n\nbody\n'}`
  )
}

describe('a commit of text', () => {
  test('has its fields', () => {
    const commit = commitOf(object())
    expect(commit).toMatchObject({ tree, parents: [parent] })
    expect(commit.fields).toEqual({
      author: who,
      dateMs: 1_700_000_000_000,
      message: 'subject\n\nbody\n',
      extra: {
        [gitExtra.id]: gitId('commit', Buffer.from(object()), 20),
        [gitExtra.parents]: parent,
        [gitExtra.authorZone]: '+0200',
        [gitExtra.committer]: `${who} 1700000100 -0330`,
      },
    })
  })

  test('keeps all other headers as they are', () => {
    const signature = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQEz\n =abcd\n -----END PGP SIGNATURE-----\n'
    const mergeTag = `mergetag object ${parent}\n type commit\n tag v1\n`
    const headers = `encoding UTF-8\n${mergeTag}${signature}HG:extra a:b\n`
    const { fields } = commitOf(object({ headers }))
    expect(fields.extra[gitExtra.headers]).toBe(headers)
    expect(fields.extra).not.toHaveProperty(gitExtra.raw)
    expect(rebuildCommit({ ...fields, tree }).toString()).toBe(object({ headers }))
  })

  test.each([
    ['no message', object({ message: '' })],
    ['a message without a newline', object({ message: 'x' })],
    ['an empty name', object({ author: ' <> 0 +0000' })],
    ['the last date', object({ author: `${who} 8640000000000 +0000` })],
    ['no parent', object().replace(`parent ${parent}\n`, '')],
    ['two parents', object().replace(`parent ${parent}\n`, `parent ${parent}\nparent ${tree}\n`)],
    ['a NUL in the message', object({ message: 'a\0b\n' })],
    ['a byte order mark', object({ message: '\ufeffx\n' })],
  ])('comes back from its fields: %s', (_, content) => {
    const { fields } = commitOf(content)
    expect(fields.extra).not.toHaveProperty(gitExtra.raw)
    expect(rebuildCommit({ ...fields, tree }).toString()).toBe(content)
  })

  test('takes another tree', () => {
    const { fields } = commitOf(object())
    expect(rebuildCommit({ ...fields, tree: parent }).toString()).toBe(object().replace(tree, parent))
  })
})

describe('a commit that is not text, or not as Git writes it', () => {
  const latin1 = Buffer.from(
    object({ author: 'J\u00fcrgen <j@x> 1700000000 +0100', message: '\u00fcber\n' }),
    'latin1',
  )

  test('keeps its bytes, and is told as well as can be', () => {
    const { fields } = commitOf(latin1)
    expect(fields).toMatchObject({
      author: 'J\u00fcrgen <j@x>',
      dateMs: 1_700_000_000_000,
      message: '\u00fcber\n',
    })
    expect(rebuildCommit({ ...fields, tree })).toEqual(latin1)
  })

  test('is read in the encoding that it names', () => {
    const text = object({ headers: 'encoding KOI8-R\n', message: '\u0000' })
    const koi8 = Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xf0, 0xd2, 0xc9])])
    expect(commitOf(koi8).fields.message).toBe('При')
    expect(rebuildCommit({ ...commitOf(koi8).fields, tree })).toEqual(koi8)
  })

  test.each([
    ['an encoding nobody knows', object({ headers: 'encoding martian\n' })],
    ['a date before 1970', object({ author: `${who} -5 +0000` })],
    ['a date beyond all dates', object({ author: `${who} 99999999999999 +0000` })],
    ['no date', object({ author: who })],
    ['a zero in front of the date', object({ author: `${who} 0170 +0000` })],
    ['no author', `tree ${tree}\ncommitter ${who} 1 +0000\n\nx`],
    ['headers in another order', `tree ${tree}\ncommitter ${who} 1 +0000\nauthor ${who} 1 +0000\n\nx`],
    ['no blank line', `tree ${tree}\nauthor ${who} 1 +0000\ncommitter ${who} 1 +0000\n`],
  ])('keeps its bytes: %s', (_, content) => {
    const { fields, tree: found } = commitOf(content)
    expect(found).toBe(tree)
    expect(fields.extra).toHaveProperty(gitExtra.raw)
    expect(rebuildCommit({ ...fields, tree }).toString()).toBe(content)
  })
})

test('whatever stands behind the tree, the bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, text) => {
      for (const rest of [
        Buffer.from(bytes),
        Buffer.from(text),
        Buffer.from(object({ message: text }).slice(46)),
      ]) {
        const content = Buffer.concat([Buffer.from(`tree ${tree}\n`), rest])
        const { fields } = parseCommit(gitId('commit', content, 20), content)
        expect(rebuildCommit({ ...fields, tree })).toEqual(content)
      }
    }),
  )
})
