// Whatever stands in a file, the rules that are proposed for it parse in AWS's mode and pass on it.
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { parseRuleset } from '../../lake/dqdl/parser.ts'
import { checkBench } from './check-bench.ts'

const bench = checkBench()
afterAll(() => bench.remove())

const value = fc.oneof(
  fc.constant(null),
  fc.constantFrom(
    '',
    ' ',
    'a',
    '"',
    '\\',
    "'",
    '`',
    '2024-01-01',
    '12:30',
    'NULL',
    'x\ny',
    '007',
    '1e400',
    'ä名',
    '\u2028',
  ),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.string({ maxLength: 12 }),
  fc.boolean(),
)
const table = fc
  .record({
    names: fc.uniqueArray(
      fc.oneof(fc.constantFrom('id', 'a b', 'x"y', '`', '2024-01-01', 'labels'), fc.string({ maxLength: 6 })),
      {
        minLength: 1,
        maxLength: 4,
        selector: name => name.toLowerCase(),
      },
    ),
    kinds: fc.array(value, { minLength: 1, maxLength: 12 }),
    rows: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ names, kinds, rows }) =>
    Array.from({ length: rows }, (_row, at) =>
      Object.fromEntries(
        names.map((name, column) => [name, column === 0 ? at : kinds[(at * (column + 1) + column) % kinds.length]]),
      ),
    ),
  )

test('proposals parse and pass', async () => {
  await fc.assert(
    fc.asyncProperty(table, async rows => {
      bench.write('any.ndjson', rows.map(row => JSON.stringify(row)).join('\n'))
      const proposed = await bench.run(['check', '--suggest', 'any.ndjson'])
      expect(proposed.err).toBe('')
      expect(parseRuleset(proposed.out, { mode: 'aws' }).diagnostics).toEqual([])
      bench.write('any.dqdl', proposed.out)
      const ran = await bench.run(['check', 'any.dqdl', '--data', 'any.ndjson', '--mode', 'aws', '--rows', 'any.json'])
      expect(ran).toMatchObject({ code: 0, err: '' })
      expect(JSON.parse(String(bench.read('any.json')))).toHaveLength(rows.length)
    }),
    { numRuns: 40 },
  )
}, 60_000)
