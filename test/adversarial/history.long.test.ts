import { test } from 'vitest'
import { expectLongHistory } from '../support/long-history.ts'
import { withStore } from '../support/temp-store.ts'

test('a history of 1,000,000 commits is walked and collected', () =>
  withStore({ place: 'disk' }, (temp) => expectLongHistory(temp, 1_000_000)))
