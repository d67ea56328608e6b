// Contract: PyIceberg reads every table whatever happened to it (test/lake/iceberg/lives.ts), position deletes applied, in whole, by
// predicates and as of a tag; and it can go on from there: after it deleted and appended, our scan reads what it reads. In a folder
// and in S3 and Glue alike.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Row } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { openSession, readRows, type Workbench, workbench } from '../lake/iceberg/fixture.ts'
import { CONDITIONS, LIVES, type Life } from '../lake/iceberg/lives.ts'
import { glueLake, glueProperties } from './glue-lake.ts'
import { bucket, database } from './moto.ts'
import { type PyIcebergCatalog, workWithPyIceberg } from './pyiceberg.ts'

const ADDED = { id: '900', region: 'north', day: '1969-12-31', amount: '0.5000', ratio: 1.5 }
const STEPS = CONDITIONS.length + 6

interface Place {
  readonly bench: Workbench
  readonly catalog: PyIcebergCatalog
}

async function folder(): Promise<Place> {
  const bench = await workbench()
  return { bench, catalog: { lake: bench.root } }
}

async function glue(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), 'sluice-lives-'))
  const session = await openSession(root)
  const close = async (): Promise<void> => {
    await session.close()
    rmSync(root, { recursive: true, force: true })
  }
  const where = { bucket: await bucket('lives', { versioned: true }), database: await database('lake') }
  const lake = glueLake({ ...where, scratch: root })
  return { bench: { root, lake, session, close }, catalog: { glue: glueProperties() } }
}

describe.for([
  { where: 'in a folder', place: folder },
  { where: 'in S3 and Glue', place: glue },
])('$where', ({ place }) => {
  let bench: Workbench
  let answers: readonly unknown[]
  beforeAll(async () => {
    const { catalog, ...rest } = await place()
    bench = rest.bench
    for (const { name, live } of LIVES) await live(bench, name)
    // One process for all of it, because Python takes longer to start than to read.
    answers = await workWithPyIceberg(catalog, LIVES.flatMap(stepsOf))
  }, 300_000)
  afterAll(() => bench.close())

  describe.for(LIVES.map((life, index) => ({ ...life, index })))('$name', ({ name, rows, tagged, index }) => {
    const answer = (step: number): unknown => answers[index * STEPS + step]
    const expected = (of: Sql, where: Sql = sql`TRUE`): Promise<readonly Row[]> =>
      bench.session.rows(sql`SELECT * FROM (${of}) WHERE ${where} ORDER BY id`)

    test('PyIceberg reads its rows', async () => {
      expect(answer(0)).toEqual(await expected(rows))
      expect(answer(1)).toEqual(await expected(tagged ?? rows))
      for (const [number, { ours, pyIceberg }] of CONDITIONS.entries())
        expect(answer(number + 2), pyIceberg).toEqual(await expected(rows, ours))
    })

    test('PyIceberg deletes and appends, and our scan reads what it reads', async () => {
      const found = await readRows(bench, name, sql`id`)
      expect(found).toEqual(answer(STEPS - 1))
      const left = sql`NOT (id < 10 OR id = 45 OR region IS NOT DISTINCT FROM 'north')`
      expect(found.slice(0, -1)).toEqual(await expected(rows, left))
      expect(found.at(-1)).toMatchObject(ADDED)
    })
  })
})

function stepsOf({ name: table, tagged }: Life) {
  const read = { do: 'rows', table, order: 'id' }
  const scans = CONDITIONS.map(({ pyIceberg }) => ({ ...read, filter: pyIceberg }))
  const steps = [read, tagged === undefined ? read : { ...read, ref: 'before' }, ...scans]
  const deleted = { do: 'delete', table, filter: 'id < 10 or id = 45' }
  const partition = { do: 'delete', table, filter: "region = 'north'" }
  return [...steps, deleted, partition, { do: 'append', table, rows: [ADDED] }, read]
}
