// Of any table: no file is in two groups, groups keep their bounds, results are of a sane number and size, the same files in any
// order give the same plan, and once a plan was carried out there is nothing left to plan. Compaction can therefore never go round
// in circles.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { PlannedGroup } from '#functions/compact/plan.ts'
import type { LiveFile, ScanFile } from '#lake/iceberg/types.ts'
import { deleteFile, plan, SETTINGS, scanFiles, shown } from './plan.fixture.ts'

const deletes: fc.Arbitrary<readonly LiveFile[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(
      fc
        .record({ rows: fc.integer({ min: 1, max: 60 }), equality: fc.boolean(), own: fc.boolean() })
        .map(
          ({ rows, equality, own }): LiveFile =>
            deleteFile(`d${rows}`, { rows, equality, ...(own && !equality ? { of: 'f' } : {}) }),
        ),
      { maxLength: 12 },
    ),
  },
)
const file = fc.record({
  bytes: fc.oneof(
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 400 }),
    fc.integer({ min: 1, max: 3_000 }),
  ),
  partition: fc.integer({ min: 0, max: 3 }),
  order: fc.constantFrom(0, 3),
  sequence: fc.integer({ min: 1, max: 5 }),
  deletes,
})
const table = fc.array(file, { maxLength: 120 }).map(specs => scanFiles(specs))
const isOrdered = (each: { readonly sort_order_id: number | null }): boolean => each.sort_order_id === 3
const strategy = fc.constantFrom(
  { more: { strategy: 'binpack' as const }, context: {} },
  { more: { strategy: 'sort' as const }, context: { isOrdered } },
)

test('no file twice, bounds kept, sane results, whatever the order of the files', () => {
  fc.assert(
    fc.property(table, strategy, fc.integer(), (files, { more, context }, seed) => {
      const groups = plan(files, more, context)
      const paths = groups.flatMap(group => group.files.map(({ file }) => file.file_path))
      expect(new Set(paths).size).toBe(paths.length)
      for (const group of groups) checkGroup(group)
      const shuffled = files.toSorted((left, right) => order(left, seed) - order(right, seed))
      expect(shown(plan(shuffled, more, context))).toEqual(shown(groups))
    }),
    { numRuns: 500 },
  )
})

const order = ({ file: { file_path } }: ScanFile, seed: number): number =>
  Math.sin(Number(file_path.slice(1)) * 7 + seed)

function checkGroup(group: PlannedGroup): void {
  if (group.route === 'athena') return
  expect(group.bytes <= SETTINGS.groupBytesMax || group.files.length === 1).toBe(true)
  expect(group.files.length).toBeLessThanOrEqual(SETTINGS.groupFilesMax)
  expect(new Set(group.files.map(({ file }) => file.partition[0])).size).toBe(1)
  const each = group.outputBytes / group.outputs
  expect(group.outputs).toBeGreaterThanOrEqual(1)
  expect(each <= 180).toBe(true)
  if (group.outputs > 1) expect(each).toBeGreaterThanOrEqual(75)
}

test('after a plan was carried out there is nothing to plan', () => {
  fc.assert(
    fc.property(table, strategy, fc.constantFrom(1, 0.6), (files, { more, context }, ratio) => {
      let live = files
      // Files that were good may become part of another group once others around them are good too, but not for long.
      for (let round = 0; round < 4; round++) {
        const groups = plan(live, more, context)
        if (groups.length === 0) return
        live = carriedOut(live, groups, round === 0 ? ratio : 1)
      }
      expect(shown(plan(live, more, context))).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test('as a rule already the second plan is empty', () => {
  const rounds: number[] = []
  fc.assert(
    fc.property(table, strategy, (files, { more, context }) => {
      rounds.push(plan(carriedOut(files, plan(files, more, context), 1), more, context).length)
    }),
    { numRuns: 500 },
  )
  expect(rounds.filter(groups => groups > 0).length).toBeLessThan(rounds.length / 10)
})

let written = 0

/** What rewriting leaves: files of even size, without deletes, in order; rows compressed together take `ratio` of their bytes. */
function carriedOut(live: readonly ScanFile[], groups: readonly PlannedGroup[], ratio: number): readonly ScanFile[] {
  const gone = new Set(groups.flatMap(group => group.files))
  const fresh = groups.flatMap(group => {
    const partition = group.files[0]?.file.partition[0] as number
    const bytes = group.outputBytes * ratio
    // A rewrite counts its results by the bytes that it finds they take.
    const outputs = ratio === 1 ? group.outputs : Math.max(1, Math.round(bytes / 100))
    return scanFiles(Array(outputs).fill({ bytes: Math.ceil(bytes / outputs), partition, order: 3 }), `w${written++}-`)
  })
  return [...live.filter(each => !gone.has(each)), ...fresh]
}
