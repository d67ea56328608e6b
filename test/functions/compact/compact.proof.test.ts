// Before anything is committed, the rows that were written are read back and compared with those that were read: one changed value,
// a lost, a doubled or an exchanged row in any column fails the compaction for good, naming the table, the group and both counts, and
// the table is as it was. So does an input that has other rows than its manifest says.
import { copyFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { type Workbench, workbench } from '../../lake/iceberg/fixture.ts'
import { deleteRows, rows, smallFiles, snapshots } from './compacting.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
  await smallFiles(bench, 'plain', { files: 6 })
})
afterAll(() => bench.close())

/** An engine whose disk does not keep what is written to it: after the COPY of a group its file holds `instead`. */
function forgetful(lake: Lake, instead: (rows: Sql) => Sql): Lake {
  return {
    ...lake,
    engine: {
      open: async options => {
        const session = await lake.engine.open(options)
        const lying: Session = { ...session, rows: async statement => answer(session, statement) }
        return lying
      },
    },
  }

  async function answer(session: Session, statement: Sql) {
    const answered = await session.rows(statement)
    const path = /unit-.*\.parquet/.test(statement.text)
      ? /TO '([^']*all\.parquet)'/.exec(statement.text)?.[1]
      : undefined
    if (path === undefined || !statement.text.startsWith('COPY')) return answered
    // Keeping the shape of the file as the COPY made it, ids and all, so that only the rows differ.
    copyFileSync(path, `${path}.kept`)
    const fields = /FIELD_IDS (\{.*\}), RETURN_STATS/.exec(statement.text)?.[1] ?? ''
    const ids = sql([fields] as unknown as TemplateStringsArray)
    await session.run(
      sql`COPY (${instead(sql`SELECT * FROM read_parquet(${`${path}.kept`})`)}) TO ${path} (FORMAT parquet, FIELD_IDS ${ids})`,
    )
    return answered
  }
}

test.each<[string, (rows: Sql) => Sql]>([
  [
    'one value of one row',
    all => sql`SELECT * REPLACE (CASE WHEN id = 17 THEN amount + 0.01 ELSE amount END AS amount) FROM (${all})`,
  ],
  [
    '−0.0 for 0.0',
    all => sql`SELECT * REPLACE (CASE WHEN id = 17 THEN 0.0::DOUBLE ELSE ratio END AS ratio) FROM (${all})`,
  ],
  [
    'NaN for null',
    all => sql`SELECT * REPLACE (CASE WHEN isnan(ratio) THEN NULL ELSE ratio END AS ratio) FROM (${all})`,
  ],
  [
    'a struct of nulls for a null one',
    all =>
      sql`SELECT * REPLACE (CASE WHEN place IS NULL THEN {'x': NULL::DOUBLE, 'name': NULL::VARCHAR} ELSE place END AS place) FROM (${all})`,
  ],
  ['an empty list for none', all => sql`SELECT * REPLACE (COALESCE(tags, []) AS tags) FROM (${all})`],
  [
    'the lineage of a row',
    all => sql`SELECT * REPLACE (CASE WHEN id = 17 THEN 0 ELSE _raw_row END AS _raw_row) FROM (${all})`,
  ],
  [
    'two rows that exchanged a value',
    all => sql`SELECT * REPLACE (CASE id WHEN 17 THEN 18 WHEN 18 THEN 17 ELSE id END AS id) FROM (${all})`,
  ],
  ['a lost row', all => sql`SELECT * FROM (${all}) WHERE id <> 17`],
  ['a doubled row', all => sql`SELECT * FROM (${all}) UNION ALL SELECT * FROM (${all}) WHERE id = 17`],
  [
    'one lost and one doubled',
    all => sql`SELECT * FROM (${all}) WHERE id <> 17 UNION ALL SELECT * FROM (${all}) WHERE id = 18`,
  ],
])('%s is found', async (_what, instead) => {
  const [before, history] = [await rows(bench, 'plain'), await snapshots(bench.lake, 'plain')]
  const error = await compact(forgetful(bench.lake, instead), { table: 'plain' }).catch(failure => failure as unknown)
  expect(error).toBeInstanceOf(LakeError)
  expect(error).toMatchObject({
    kind: 'table-corrupt',
    retryable: false,
    message: expect.stringContaining('plain: group 0 was not compacted'),
    context: { table: 'plain', group: 0, files: 6, rowsRead: '60', rowsFound: expect.stringMatching(/^(59|60|61)$/) },
  })
  expect(await snapshots(bench.lake, 'plain')).toEqual(history)
  expect(await rows(bench, 'plain')).toEqual(before)
})

test('the same file, written again, passes', async () => {
  await smallFiles(bench, 'honest', { files: 5 })
  const report = await compact(
    forgetful(bench.lake, all => all),
    { table: 'honest' },
  )
  expect(report).toMatchObject({ committed: [0], rows: 50 })
})

test('an input of which rows are missing is found by its manifest', async () => {
  await smallFiles(bench, 'short', { files: 5 })
  await smallFiles(bench, 'other', { files: 1, part: sql`7` })
  await deleteRows(bench, 'other', sql`id < 0`)
  const lake: Lake = {
    ...bench.lake,
    engine: {
      open: async options => {
        const session = await bench.lake.engine.open(options)
        const blind = (statement: Sql): Sql =>
          statement.text.startsWith('COPY')
            ? sql([
                statement.text
                  .replace(/ FROM \(SELECT "id"/, ' FROM (SELECT * FROM (SELECT "id"')
                  .replace(/(explicit_cardinality = \d+\))/, '$1 LIMIT 49)'),
              ] as unknown as TemplateStringsArray)
            : statement
        return { ...session, rows: async statement => session.rows(blind(statement)) }
      },
    },
  }
  await expect(compact(lake, { table: 'short' })).rejects.toMatchObject({
    kind: 'table-corrupt',
    message: expect.stringContaining('files of 50 rows by their manifests gave 49'),
  })
})
