// `maintain` takes every table through expiry, manifests and the sweep, in this order; a table that fails keeps no other
// from being maintained, and is told of by "Maintenance Failed" and a failed execution.
import { expect, test } from 'vitest'
import { maintain } from '#workflows/maintain.ts'
import { named } from '../local/virtual-clock.ts'
import { runMachine, validate } from './run-machine.ts'

const targets = { maintain: 'maintain', sweep: 'sweep', bus: 'sluice', tablesAtOnce: 4 }
const tables = (...names: readonly string[]) => ({ tables: names })

const failing =
  (...what: readonly string[]) =>
  ({ action, table }: { readonly action: string; readonly table: string }): unknown => {
    if (what.includes(`${action} ${table}`)) throw named('Sluice.Terminal', 'the table is not what it was')
    return {}
  }

test('the definition is valid Amazon States Language', () => {
  expect(validate(maintain(targets))).toMatchObject({ isValid: true, errors: [] })
})

test('expire, manifests, sweep: only the last is asked of the sweeper', async () => {
  const asked: string[] = []
  const { execution, did } = await runMachine(maintain(targets), tables('orders'), {
    answer: ({ action }, functionName) => asked.push(`${functionName}: ${action}`),
  })
  expect(execution.status).toBe('SUCCEEDED')
  expect(did).toEqual(['expire orders', 'manifests orders', 'sweep orders'])
  expect(asked).toEqual(['maintain: expire', 'maintain: manifests', 'sweep: sweep'])
})

test('every table, and none when there is none', async () => {
  const { did } = await runMachine(maintain(targets), tables('a', 'b', 'c', 'd', 'e', 'f'), { answer: () => ({}) })
  expect(did).toHaveLength(18)
  expect((await runMachine(maintain(targets), tables(), { answer: () => ({}) })).execution.status).toBe('SUCCEEDED')
})

test('a table that is not there yet is no failure, and nothing more is done for it', async () => {
  const { execution, did } = await runMachine(maintain(targets), tables('a', 'b'), {
    answer: ({ table, ifExists }) => (table === 'a' && ifExists === true ? { table, absent: true } : {}),
  })
  expect(execution.status).toBe('SUCCEEDED')
  expect(did.toSorted()).toEqual(['expire a', 'expire b', 'manifests b', 'sweep b'])
})

test('a step that fails ends its table, not the others; the execution fails in the end and names each', async () => {
  const { execution, did, announced } = await runMachine(maintain(targets), tables('a', 'b', 'c'), {
    answer: failing('expire a', 'sweep c'),
  })
  expect(did.filter(each => each.endsWith(' a'))).toEqual(['expire a'])
  expect(did.filter(each => each.endsWith(' b'))).toEqual(['expire b', 'manifests b', 'sweep b'])
  const cause =
    '2 tables failed, the others are maintained: a: expire: Sluice.Terminal: the table is not what it was; ' +
    'c: sweep: Sluice.Terminal: the table is not what it was'
  expect(execution).toEqual({ status: 'FAILED', error: 'Sluice.Terminal', cause })
  expect(did.at(-1)).toBe('Maintenance Failed')
  expect(announced).toMatchObject([{ tables: 'a, c', error: 'Sluice.Terminal', cause }])
})

test.each([
  [
    { missing: { files: 2, named: ['s3://t/a.parquet'] }, failed: { files: 0, reasons: [] } },
    'Sluice.FilesMissing',
    'orders: sweep: Sluice.FilesMissing: 2 files that it needs are not there, such as s3://t/a.parquet',
  ],
  [
    { missing: { files: 0, named: [] }, failed: { files: 3, reasons: ['access-denied'] } },
    'Sluice.NotDeleted',
    'orders: sweep: Sluice.NotDeleted: 3 files could not be deleted: access-denied',
  ],
])('what the sweeper has seen and cannot mend fails its table: %#', async (report, error, cause) => {
  const { execution, announced } = await runMachine(maintain(targets), tables('orders'), {
    answer: ({ action }) => (action === 'sweep' ? report : {}),
  })
  expect(execution).toMatchObject({ status: 'FAILED', error, cause: expect.stringContaining(cause) })
  expect(announced).toMatchObject([{ tables: 'orders', error }])
})

test('a sweep that found nothing amiss is done', async () => {
  const report = { missing: { files: 0, named: [] }, failed: { files: 0, reasons: [] }, deleted: { files: 9 } }
  const { execution } = await runMachine(maintain(targets), tables('orders'), { answer: () => report })
  expect(execution.status).toBe('SUCCEEDED')
})

test('a conflict is tried again before the table is given up', async () => {
  let attempts = 0
  const { execution, did } = await runMachine(maintain(targets), tables('a'), {
    answer: ({ action }) => {
      if (action === 'expire' && ++attempts < 3) throw named('Sluice.conflict', 'the table moved on')
      return {}
    },
  })
  expect(execution.status).toBe('SUCCEEDED')
  expect(did).toEqual(['expire a', 'expire a', 'expire a', 'manifests a', 'sweep a'])
})

test('an input that is no list of tables fails the execution, and that is announced too', async () => {
  const { execution, announced } = await runMachine(maintain(targets), { tables: 'orders' }, { answer: () => ({}) })
  expect(execution).toMatchObject({ status: 'FAILED', error: 'States.QueryEvaluationError' })
  expect(announced).toMatchObject([{ tables: '', error: 'States.QueryEvaluationError' }])
})
