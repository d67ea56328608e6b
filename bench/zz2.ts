import { readdirSync } from 'node:fs'
import { checksumOf } from '#functions/compact/checksum.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { sha256File } from '#lake/file-hash.ts'
import { layoutOf } from '#lake/iceberg/file-layout.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { inputFolder, rootOf } from './small-files.ts'

const paths = readdirSync(inputFolder(1)).map(n => inputFolder(1) + '/' + n)
const t = async (n: string, f: () => Promise<unknown> | unknown) => {
  const c = process.cpuUsage()
  const s = performance.now()
  await f()
  const v = process.cpuUsage(c)
  console.log(n.padEnd(30), ((v.user + v.system) / 1e6).toFixed(3), 'cpu', ((performance.now() - s) / 1e3).toFixed(3))
}
for (let i = 0; i < 2; i++) {
  await t('layouts', () => {
    for (const p of paths) layoutOf(p, { file: { partition: [] } } as any)
  })
  await t('sha256', async () => {
    for (const p of paths) await sha256File(p)
  })
}
const lake = diskLake(rootOf(1))
const schema = currentSchema((await openTable(lake, 'events')).metadata)
const s = await duckdbEngine.open({ threads: 2, memoryBytes: 5e8, folders: [rootOf(1)], scratch: '/tmp/e-exp' })
for (let i = 0; i < 2; i++) {
  await t('checksum', () => checksumOf(s, schema, readSql(schema, paths)))
  await t('hash cols', () =>
    s.rows(
      sql`SELECT sum(hash(event_id,session_id,user_id,event_time,event_type,url,amount,currency,is_mobile,device,tags,campaign)) FROM (${readSql(schema, paths)})`,
    ),
  )
  await t('hash hash cols', () =>
    s.rows(
      sql`SELECT sum(hash(hash(event_id,session_id,user_id,event_time,event_type,url,amount,currency,is_mobile,device,tags,campaign))) FROM (${readSql(schema, paths)})`,
    ),
  )
  await t('no tags/device', () =>
    s.rows(
      sql`SELECT sum(hash(hash(event_id,session_id,user_id,event_time,event_type,url,amount,currency,is_mobile,campaign))) FROM (${readSql(schema, paths)})`,
    ),
  )
  await t('device fields', () =>
    s.rows(
      sql`SELECT sum(hash(hash(event_id,session_id,user_id,event_time,event_type,url,amount,currency,is_mobile,campaign, device is null, device.os, device.browser, device.version))) FROM (${readSql(schema, paths)})`,
    ),
  )
  await t('device whole', () =>
    s.rows(
      sql`SELECT sum(hash(hash(event_id,session_id,user_id,event_time,event_type,url,amount,currency,is_mobile,campaign, device is null, device))) FROM (${readSql(schema, paths)})`,
    ),
  )
  await t('tags', () =>
    s.rows(
      sql`SELECT sum(hash(hash(event_id,session_id,user_id,event_time,event_type,url,amount,currency,is_mobile,campaign, len(tags), tags))) FROM (${readSql(schema, paths)})`,
    ),
  )
}
await s.close()
