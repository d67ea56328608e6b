// Change events in quarantine are released through `cdc-apply`: each finds its place by its own version, so that one that is late by now changes
// nothing, and leaves the quarantine all the same. Those that are dropped stay out.
import { expect, test } from 'vitest'
import { release } from '#functions/release/release.ts'
import { type Dataset, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { balanceOf } from '#local/balance.ts'
import { startLocal } from '#local/run.ts'
import { inFolder, query } from '../../local/lake-state.ts'
import { tableRows } from '../quality/batches.ts'

const people = (columns: DatasetSpec<'id' | 'name' | 'age'>['columns']): Dataset =>
  defineDataset({
    name: 'people',
    source: {
      system: 's',
      format: 'ndjson',
      match: 'people/*',
      changes: { shape: 'debezium', connector: 'postgresql' },
    },
    columns,
    evolution: 'freeze',
    publish: { mode: 'merge', key: 'id' },
  })
const narrow = people({ id: 'long', name: 'string', age: 'int' })
const wide = people({ id: 'long', name: 'string', age: 'long' })

const change = (lsn: number, after: object): string =>
  JSON.stringify({
    op: 'u',
    before: null,
    after,
    source: { connector: 'postgresql', lsn, ts_ms: lsn, snapshot: 'false' },
    ts_ms: lsn,
  })

const EVENTS = [
  change(10, { id: 1, name: 'a', age: 3_000_000_000 }),
  change(20, { id: 2, name: 'b', age: 3_000_000_000 }),
  change(30, { id: 2, name: 'later', age: 7 }),
  'junk',
]

async function inLake(work: (lake: LocalLake) => Promise<void>): Promise<void> {
  await inFolder(async folder => {
    const lake = diskLake(folder)
    const runner = startLocal(lake, [narrow], { windowMs: 5 })
    runner.landed([await lake.storage.put(`${lake.zones.landing}/people/1`, Buffer.from(`${EVENTS.join('\n')}\n`))])
    await runner.idle()
    await runner.close()
    await work(lake)
  })
}

async function settled(lake: LocalLake, action: 'release' | 'drop'): Promise<void> {
  const failures: unknown[] = []
  const onStep = (step: { readonly kind: string; readonly status?: string }) =>
    step.kind === 'finished' && step.status !== 'SUCCEEDED' && failures.push(step)
  const runner = startLocal(lake, [wide], { windowMs: 5, onStep })
  const { batches } = await release(lake, wide, { action, filter: { reason: 'bad_*' }, dryRun: false })
  await runner.idle()
  await runner.close()
  expect(batches).toHaveLength(1)
  expect(failures).toEqual([])
}

const rows = async (lake: LocalLake) =>
  (
    await query(lake, 'people', table => sql`SELECT concat_ws(' ', id, name, age) AS text FROM ${table} ORDER BY id`)
  ).map(row => row['text'])
const held = async (lake: LocalLake) =>
  (await tableRows(lake, 'people__quarantine', sql`record::INTEGER AS record`)).map(row => row['record'])

test('what fits now is applied by its version', () =>
  inLake(async lake => {
    expect(await rows(lake)).toEqual(['2 later 7'])
    expect(await held(lake)).toEqual([1, 2, 4])
    await settled(lake, 'release')
    expect(await rows(lake)).toEqual(['1 a 3000000000', '2 later 7'])
    expect(await held(lake)).toEqual([4])
    expect(await balanceOf(lake, wide)).toMatchObject({ read: 4, quarantined: 1 })
  }))

test('what is dropped stays out', () =>
  inLake(async lake => {
    await settled(lake, 'drop')
    expect(await rows(lake)).toEqual(['2 later 7'])
    expect(await held(lake)).toEqual([4])
    expect(await balanceOf(lake, wide)).toMatchObject({ read: 4, quarantined: 1, suppressed: 2 })
  }))
