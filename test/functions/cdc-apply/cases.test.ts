// Every case of change events that the project brings holds as it is given; `npm run conformance` applies them again, cut and shuffled as well.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkChanges, checkHandedOver } from '../../../conformance/cdc.ts'
import type { ChangeCase } from '../../../conformance/cdc-case.ts'

const FOLDER = join(import.meta.dirname, 'cases')
const CASES = readdirSync(FOLDER).map(name => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as ChangeCase)

test('there are cases of every connector, and each is named once', () => {
  expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length)
  for (const source of [
    'pg',
    'mysql',
    'mariadb',
    'sqlserver',
    'oracle',
    'mongodb',
    'flattened',
    'dms',
    'history',
    'routing',
  ])
    expect(CASES.some(({ name }) => name.startsWith(`${source}_`))).toBe(true)
})

test.each(CASES.map(each => [each.name, each] as const))('%s', { timeout: 60_000 }, async (_name, given) => {
  expect(await checkChanges({ ...given, invariants: [] })).toEqual([])
})

/** All of them are `npm run conformance -- cdc-athena test/functions/cdc-apply/cases`. */
const HANDED_OVER = CASES.filter((_case, at) => at % 8 === 0)

test.each(HANDED_OVER.map(each => [each.name, each] as const))(
  'handed over to Athena: %s',
  { timeout: 60_000 },
  async (_name, given) => {
    expect(await checkHandedOver({ ...given, invariants: [] })).toEqual([])
  },
)
