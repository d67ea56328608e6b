// A process that appends one row a commit to a table in Glue, as a function does: `node our-writer.ts <bucket> <table> <first> <count>`.
// Prints how many attempts its commits took.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { openSession, writeRows } from '../lake/iceberg/fixture.ts'
import { glueLake } from './glue-lake.ts'

const [bucket = '', table = '', first = '0', count = '0'] = process.argv.slice(2)
const root = mkdtempSync(join(tmpdir(), 'sluice-writer-'))
const lake = glueLake({ bucket, database: 'shared', scratch: root })
const bench = { root, lake, session: await openSession(root), close: async () => undefined }
let attempts = 0
for (let id = Number(first); id < Number(first) + Number(count); id++) {
  const files = await writeRows(bench, await openTable(lake, table), sql`SELECT ${id}::BIGINT AS id, 'ours' AS writer`)
  // A pause that ends anywhere: without one, the faster writer would commit all its rows in a row.
  await lake.clock.sleep(400 * lake.ids.random())
  attempts += (await commit(lake, table, { commitId: `row-${id}`, attemptsMax: 100 }, () => stageAppend(files)))
    .attempts
}
process.stdout.write(`${attempts}\n`)
await bench.session.close()
rmSync(root, { recursive: true, force: true })
