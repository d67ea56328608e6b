// Makes the golden table `merge_on_read` with ClickHouse, which deletes and updates by position: `node test/golden/make-clickhouse.mjs`.
// Its paths begin with `/merge_on_read`, as ClickHouse writes them for a folder below its working directory; rows.txt as in make.py.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { Session } = createRequire(import.meta.url)('chdb')
const target = join(import.meta.dirname, 'merge_on_read')
const work = mkdtempSync(join(tmpdir(), 'sluice-golden-'))
process.chdir(work)
const session = new Session(join(work, 'session'))
const run = statement => session.query(`${statement} SETTINGS allow_insert_into_iceberg = 1`, 'TSV')

session.query(`CREATE TABLE t (id Int64, region Nullable(String), value Nullable(Float64))
  ENGINE = IcebergLocal('merge_on_read') PARTITION BY region SETTINGS iceberg_format_version = 2`)
const insert = (first, count) =>
  session.query(`INSERT INTO t SETTINGS allow_insert_into_iceberg = 1
    SELECT number, if(number % 3 = 0, NULL, concat('r', toString(number % 3))), number / 2 FROM numbers(${first}, ${count})`)

insert(0, 20)
insert(20, 10)
run('ALTER TABLE t DELETE WHERE id % 5 = 2')
run('ALTER TABLE t UPDATE value = -1 WHERE id = 3')
run('ALTER TABLE t DELETE WHERE id = 3 OR id = 28')

const rows = String(session.query('SELECT * FROM t ORDER BY id', 'JSONEachRow'))
rmSync(target, { recursive: true, force: true })
for (const folder of ['metadata', 'data']) {
  mkdirSync(join(target, folder), { recursive: true })
  const names = readdirSync(join(work, 'merge_on_read', folder)).filter(
    name => !/^v[1-5]\.metadata|^version-hint/.test(name),
  )
  for (const name of names) copyFileSync(join(work, 'merge_on_read', folder, name), join(target, folder, name))
}
const cells = rows
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))
writeFileSync(
  join(target, 'rows.txt'),
  cells.map(row => `${JSON.stringify({ ...row, id: String(row.id) })}\n`).join(''),
)
session.cleanup()
rmSync(work, { recursive: true, force: true })
