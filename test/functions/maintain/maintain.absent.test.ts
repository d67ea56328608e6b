// A schedule names every table that there may be: one that is not there is an answer where the request says so, and an error
// everywhere else.
import { afterAll, expect, test } from 'vitest'
import { maintain } from '#functions/maintain/maintain.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'

const lake = memoryLake()
afterAll(() => lake.dispose())

test('absent, when it need not be there', async () => {
  const request = { action: 'expire', table: 'orders__quarantine', ifExists: true }
  expect(await maintain(lake, request)).toEqual({ table: 'orders__quarantine', absent: true })
})

test.each([{}, { ifExists: false }])('an error otherwise: %o', async more => {
  await expect(maintain(lake, { action: 'expire', table: 'orders', ...more })).rejects.toMatchObject({
    kind: 'not-found',
  })
})

test('ifExists is a flag', async () => {
  await expect(maintain(lake, { action: 'expire', table: 'orders', ifExists: 'yes' })).rejects.toMatchObject({
    kind: 'event-invalid',
  })
})
