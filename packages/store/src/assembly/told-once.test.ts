import { expect, test } from 'vitest'
import { ToldOnce } from './told-once.ts'

test('each is new once, until it has been forgotten', () => {
  const told = new ToldOnce()
  expect([told.isNew('a'), told.isNew('a'), told.isNew('b')]).toEqual([true, false, true])
  for (let n = 0; n < 4095; n++) told.isNew(`${n}`)
  expect([told.isNew('a'), told.isNew('4094')]).toEqual([true, false])
})
