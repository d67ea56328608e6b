// Positions are fixed-width text whose order is the order of the log, part by part; what is no position is NULL, and said to be broken when
// something stands there that cannot be read.
import { expect, test } from 'vitest'
import { epochOf, positionOf } from '#functions/quality/changes/position.ts'
import type { ChangeSource, Connector } from '#lake/dataset-changes.ts'
import { ident, join, sql } from '#lake/duckdb/sql.ts'
import { inSession } from './decoding.ts'

type Fields = Readonly<Record<string, string | null>>

async function positions(connector: Connector, rows: readonly Fields[], snapshot = false): Promise<readonly string[]> {
  return inSession(async session => {
    const field = (name: string) => sql`CAST(e.${ident(name)} AS VARCHAR)`
    const { text, broken } = positionOf(connector, { field, snapshot: sql`${snapshot}` })
    const structs = rows.map(
      row =>
        sql`SELECT {${join(
          Object.entries(row).map(([name, value]) => sql`${ident(name)}: ${value}`),
          ', ',
        )}} AS e`,
    )
    const found: string[] = []
    for (const struct of structs) {
      const [row] = await session.rows(sql`SELECT ${text} AS text, ${broken} AS broken FROM (${struct})`)
      found.push(row?.['text'] === null ? (row['broken'] === true ? 'broken' : 'none') : String(row?.['text']))
    }
    return found
  })
}

test('PostgreSQL: the LSN, else the second number of sequence', async () => {
  const lsn = (value: string | null, sequence: string | null = null): Fields => ({ lsn: value, sequence })
  expect(
    await positions('postgresql', [
      lsn('24023128'),
      lsn('18446744073709551615'),
      lsn(null, '["1","24023128"]'),
      lsn(null, '[null,"24023128"]'),
      lsn(null, '["24023128",null]'),
      lsn(null),
      lsn('-1'),
      lsn('1.5'),
      lsn('16/B374D848'),
    ]),
  ).toEqual([
    '00000000016e9058',
    'ffffffffffffffff',
    '00000000016e9058',
    '00000000016e9058',
    'none',
    'none',
    'broken',
    'broken',
    'broken',
  ])
})

test('MySQL: file, position and row as numbers', async () => {
  const at = (file: string | null, pos: string | null, row: string | null = '0'): Fields => ({ file, pos, row })
  expect(
    await positions('mysql', [
      at('mysql-bin.999999', '4'),
      at('mysql-bin.1000000', '4'),
      at('b.000001', '10', null),
      at('binlog', '4'),
      at(null, '4'),
      at('b.1', 'x'),
    ]),
  ).toEqual([
    '000f423f000000000000000400000000',
    '000f4240000000000000000400000000',
    '00000001000000000000000a00000000',
    'broken',
    'none',
    'broken',
  ])
})

test('SQL Server: commit, change (none is lowest) and serial number', async () => {
  const at = (commit_lsn: string | null, change_lsn: string | null, event_serial_no: string | null): Fields => ({
    commit_lsn,
    change_lsn,
    event_serial_no,
  })
  const [commit, change] = ['00000027:00000758:0005', '00000027:00000758:000A']
  expect(
    await positions('sqlserver', [
      at(commit, change, '2'),
      at(commit, null, null),
      at(null, change, '1'),
      at('27:1:1', change, '1'),
    ]),
  ).toEqual([
    '00000027000007580005' + '0000002700000758000a' + '00000002',
    '00000027000007580005'.padEnd(48, '0'),
    'none',
    'broken',
  ])
})

test('Oracle: SCN of the commit, of the change, and its place in the redo log', async () => {
  const at = (commit_scn: string | null, scn: string | null, rs_id: string | null, ssn: string | null): Fields => ({
    commit_scn,
    scn,
    txSeq: null,
    rs_id,
    ssn,
  })
  expect(
    await positions('oracle', [
      at('1000002', '1000000', ' 0x000064.00000046.0010 ', '1'),
      at(null, '1000000', null, null),
      at(null, null, null, null),
    ]),
  ).toEqual([
    '00000000000f4242' + '00000000000f4240' + '00000000' + '00000064000000460010' + '00000001',
    '00000000000f424000000000000f4240'.padEnd(68, '0'),
    'none',
  ])
})

test('MongoDB: clock and order in it; a row of a snapshot is lowest', async () => {
  const row = { ts_ms: '1700000000000', ord: '10' }
  expect(await positions('mongodb', [row, { ts_ms: '1700000000000', ord: null }])).toEqual([
    '0000018bcfe568000000000a',
    '0000018bcfe5680000000000',
  ])
  expect(await positions('mongodb', [row], true)).toEqual(['0'.repeat(24)])
})

test('epochs rank the logs as they are declared; a log that is not declared has none', async () => {
  const changes = { epochs: { field: 'server_id', order: ['7', '3'] } } as unknown as ChangeSource
  const found = await inSession(async session => {
    const rows = await session.rows(
      sql`SELECT ${epochOf(changes, sql`source`)} AS epoch FROM (SELECT unnest([{server_id: '3'}, {server_id: '7'}, {server_id: '9'}, {server_id: NULL}]) AS source)`,
    )
    return rows.map(({ epoch }) => epoch)
  })
  expect(found).toEqual(['01.', '00.', null, null])
})
