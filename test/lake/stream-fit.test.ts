// The look that the transformation takes at an event is never stricter than the contract: whatever it refuses, `quality` refuses too, by the
// same reason. Where only the engine can tell, it lets the event pass.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DatasetSpec, defineDataset, type TypeSpec } from '#lake/dataset.ts'
import { misfitOf } from '#lake/stream-fit.ts'
import { codeSpans, readPage, tableUnder } from '../docs/pages.ts'
import { decoded } from '../functions/quality/decoding.ts'

const define = (columns: DatasetSpec<string>['columns'], extra: Partial<DatasetSpec<string>> = {}) =>
  defineDataset({ name: 'd', source: { system: 's', format: 'ndjson', match: '*' }, columns, ...extra })

const documented = tableUnder(readPage('docs/datasets.md'), '### What fits a type').map(
  ([type, fits, not]) => [codeSpans(type ?? '')[0] as TypeSpec, codeSpans(fits ?? ''), codeSpans(not ?? '')] as const,
)

test.each(documented)('%s: what fits passes', (type, fits) => {
  const dataset = define({ v: type })
  for (const value of fits) expect(misfitOf(dataset, { v: JSON.parse(value) }), value).toBeUndefined()
})

test('what is plainly wrong is refused: that is what the look is for', () => {
  const refused = documented.flatMap(([type, , not]) =>
    not.filter(value => misfitOf(define({ v: type }), { v: JSON.parse(value) }) !== undefined),
  )
  const all = documented.flatMap(([, , not]) => not)
  expect(refused.length).toBeGreaterThan(all.length / 2)
})

const contract = define(
  {
    id: { type: 'long', required: true },
    flag: { type: 'boolean', from: 'is_on' },
    at: 'timestamptz',
    day: 'date',
    amount: 'decimal(9,2)',
    ratio: 'double',
    ms: { type: 'timestamp', format: 'epoch-millis' },
    unit: { type: 'string', required: true, default: 'EUR' },
    tags: { list: 'string' },
    place: { struct: { city: 'string' } },
  },
  { evolution: 'freeze' },
)

test('any event: what it refuses the contract refuses, for the same reason when that is the only one', async () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      0,
      1,
      7,
      -1.5,
      1e300,
      2 ** 62,
      '',
      ' 7',
      '7',
      '007',
      '1e3',
      '1_0',
      'NaN',
      'x',
      '1,5',
    ),
    fc.constantFrom<unknown>(
      '2026-05-04',
      '2026-05-04T10:00:00Z',
      '2026-5-4',
      '2026-05-04 10:00',
      '20260504',
      [],
      ['a'],
      {},
    ),
    fc.constantFrom<unknown>(
      { city: 'Ulm' },
      'true',
      'TRUE',
      'yes',
      '12.30',
      '12.345',
      '-3',
      '+3',
      '3.0',
      '.5',
      '0x1f',
    ),
  )
  const names = ['id', 'flag', 'is_on', 'at', 'day', 'amount', 'ratio', 'ms', 'unit', 'tags', 'place', 'stranger']
  const base = fc.constant<Record<string, unknown>>({ id: 1 })
  const events = fc.array(
    fc
      .tuple(base, fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 2 }))
      .map(([one, other]) => ({ ...one, ...other })),
    { minLength: 40, maxLength: 40 },
  )
  await fc.assert(
    fc.asyncProperty(events, async all => {
      const judged = all.map(event => misfitOf(contract, event))
      const { refusals } = await decoded(contract, all.map(event => `${JSON.stringify(event)}\n`).join(''))
      const reasons = new Map(refusals.map(({ ordinal, reason }) => [ordinal, reason]))
      for (const [at, misfit] of judged.entries())
        if (misfit !== undefined)
          expect([JSON.stringify(all[at]), reasons.has(at + 1)]).toEqual([JSON.stringify(all[at]), true])
    }),
    { numRuns: 12 },
  )
})

test.each([
  [{}, 'required:id'],
  [{ id: null }, 'required:id'],
  [{ id: 1, unit: null }, 'required:unit'],
  [{ id: 1, flag: true, is_on: true }, 'ambiguous_column'],
  [{ id: 1, stranger: 1 }, 'unknown_column'],
  [{ id: 'x' }, 'type:id'],
])('%j: %s, as quality says it', async (event, reason) => {
  expect(misfitOf(contract, event)?.reason).toBe(reason)
  expect((await decoded(contract, `${JSON.stringify(event)}\n`)).refusals.map(each => each.reason)).toEqual([reason])
})
