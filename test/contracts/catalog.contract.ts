/** What every Catalog adapter promises: a swap compares, exactly one racer wins, and Hive tables and partitions are idempotent. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Catalog, HiveTable, IcebergEntry } from '#lake/lake.ts'
import { kindOf } from './storage.contract.ts'

export interface CatalogUnderTest {
  readonly catalog: Catalog
  dispose(): Promise<void>
}

const entry = (metadata: string): IcebergEntry => ({
  metadataLocation: `s3://tables/t/metadata/${metadata}.metadata.json`,
  location: 's3://tables/t',
  description: 'Trips by bike',
  columns: [
    { name: 'id', type: 'bigint', comment: 'the id', parameters: { 'iceberg.field.id': '1' } },
    { name: 'place', type: 'struct<lat:double,lon:double>', parameters: { 'iceberg.field.id': '2' } },
  ],
})

const hive: HiveTable = {
  location: 's3://raw/raw/trips',
  columns: [{ name: 'id', type: 'bigint', comment: 'the id' }],
  partitionKeys: [
    { name: 'ingest_date', type: 'string' },
    { name: 'ingest_hour', type: 'string' },
  ],
  format: 'json',
  serde: {
    library: 'org.openx.data.jsonserde.JsonSerDe',
    inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
    outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
    parameters: { 'ignore.malformed.json': 'true' },
  },
  parameters: { 'projection.enabled': 'false' },
}

const hour = (value: string, location = `s3://raw/raw/trips/ingest_date=2026-01-01/ingest_hour=${value}`) => ({
  values: ['2026-01-01', value],
  location,
})

export function catalogContract(name: string, make: () => Promise<CatalogUnderTest>): void {
  describe(`catalog contract: ${name}`, () => {
    let under: CatalogUnderTest
    let catalog: Catalog

    beforeAll(async () => {
      under = await make()
      catalog = under.catalog
    })
    afterAll(() => under.dispose())

    test('a table that does not exist is undefined to load, and not-found to a swap', async () => {
      expect(await catalog.load('none')).toBeUndefined()
      const expected = { name: 'none', metadataLocation: 's3://tables/none/v1.json', token: '1' }
      expect(await kindOf(catalog.swap('none', expected, entry('v2')))).toBe('not-found')
    })

    test('a created table points at its metadata, and cannot be created again', async () => {
      await catalog.create('created', entry('v1'))
      expect(await catalog.load('created')).toMatchObject({
        name: 'created',
        metadataLocation: entry('v1').metadataLocation,
      })
      expect(await kindOf(catalog.create('created', entry('other')))).toBe('already-exists')
      expect((await catalog.load('created'))?.metadataLocation).toBe(entry('v1').metadataLocation)
    })

    test('a swap moves the pointer and its token; the old token then conflicts and changes nothing', async () => {
      await catalog.create('swapped', entry('v1'))
      const base = (await catalog.load('swapped'))!
      await catalog.swap('swapped', base, entry('v2'))
      const next = (await catalog.load('swapped'))!
      expect(next.metadataLocation).toBe(entry('v2').metadataLocation)
      expect(next.token).not.toBe(base.token)
      expect(await kindOf(catalog.swap('swapped', base, entry('v3')))).toBe('conflict')
      expect(await catalog.load('swapped')).toEqual(next)
      await catalog.swap('swapped', next, entry('v4'))
      expect((await catalog.load('swapped'))?.metadataLocation).toBe(entry('v4').metadataLocation)
    })

    test('a token of the right version with another metadata location conflicts too', async () => {
      await catalog.create('relocated', entry('v1'))
      const base = (await catalog.load('relocated'))!
      const other = { ...base, metadataLocation: 's3://tables/t/metadata/not-this-one.json' }
      expect(await kindOf(catalog.swap('relocated', other, entry('v2')))).toBe('conflict')
    })

    test('of many racing swaps from one base exactly one wins, and it is the table', async () => {
      await catalog.create('raced', entry('v1'))
      const base = (await catalog.load('raced'))!
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, (_, index) => kindOf(catalog.swap('raced', base, entry(`racer-${index}`)))),
      )
      const winners = outcomes.flatMap((kind, index) => (kind === undefined ? [index] : []))
      expect(winners).toHaveLength(1)
      expect(outcomes.filter(kind => kind === 'conflict')).toHaveLength(11)
      expect((await catalog.load('raced'))?.metadataLocation).toBe(entry(`racer-${winners[0]}`).metadataLocation)
    })

    test('of many racing creates exactly one wins', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => kindOf(catalog.create('born', entry(`racer-${index}`)))),
      )
      expect(outcomes.filter(kind => kind === undefined)).toHaveLength(1)
      const winner = outcomes.indexOf(undefined)
      expect((await catalog.load('born'))?.metadataLocation).toBe(entry(`racer-${winner}`).metadataLocation)
    })

    test('many swaps in a row leave the last one current', async () => {
      await catalog.create('busy', entry('v0'))
      for (let version = 1; version <= 30; version++)
        await catalog.swap('busy', (await catalog.load('busy'))!, entry(`v${version}`))
      expect((await catalog.load('busy'))?.metadataLocation).toBe(entry('v30').metadataLocation)
    })

    test('a Hive table is created, updated and read back, and is not an Iceberg table', async () => {
      expect(await catalog.hiveTable('trips__raw')).toBeUndefined()
      await catalog.putHiveTable('trips__raw', hive)
      expect(await catalog.hiveTable('trips__raw')).toEqual(hive)
      await catalog.putHiveTable('trips__raw', { ...hive, parameters: { 'projection.enabled': 'true' } })
      expect((await catalog.hiveTable('trips__raw'))?.parameters).toEqual({ 'projection.enabled': 'true' })
      expect(await catalog.load('trips__raw')).toBeUndefined()
    })

    test('one name is one table: Iceberg or Hive', async () => {
      await catalog.create('iceberg_first', entry('v1'))
      expect(await kindOf(catalog.putHiveTable('iceberg_first', hive))).toBe('already-exists')
      expect(await catalog.hiveTable('iceberg_first')).toBeUndefined()
      await catalog.putHiveTable('hive_first', hive)
      expect(await kindOf(catalog.create('hive_first', entry('v1')))).toBe('already-exists')
    })

    test('partitions are added once, in any number, and the same ones again are a success', async () => {
      await catalog.putHiveTable('parts', hive)
      const hours = Array.from({ length: 230 }, (_, index) => hour(String(index).padStart(3, '0')))
      await catalog.addPartitions('parts', hours)
      await catalog.addPartitions('parts', hours.slice(50, 180))
      await catalog.addPartitions('parts', [hours[0]!, hours[0]!])
      await catalog.addPartitions('parts', [])
      expect(await catalog.partitions('parts')).toEqual(hours)
    })

    test('a partition that exists elsewhere is a conflict, and the others of the call are still added', async () => {
      await catalog.putHiveTable('moved', hive)
      await catalog.addPartitions('moved', [hour('01')])
      const others = [hour('00'), hour('01', 's3://elsewhere/01'), hour('02')]
      expect(await kindOf(catalog.addPartitions('moved', others))).toBe('conflict')
      expect(await catalog.partitions('moved')).toEqual([hour('00'), hour('01'), hour('02')])
    })

    test('partitions need a table, and as many values as it has keys', async () => {
      expect(await kindOf(catalog.addPartitions('no_table', [hour('01')]))).toBe('not-found')
      await catalog.putHiveTable('keys', hive)
      expect(await kindOf(catalog.addPartitions('keys', [{ values: ['one'], location: 's3://x/one' }]))).toBe('usage')
    })

    test('all tables are listed by name', async () => {
      await catalog.create('zz_iceberg', entry('v1'))
      await catalog.putHiveTable('zz_hive', hive)
      const names = await catalog.tables()
      expect(names).toEqual([...names].sort())
      expect(names.filter(found => found.startsWith('zz_'))).toEqual(['zz_hive', 'zz_iceberg'])
      expect(names).not.toContain('none')
    })

    test('a name that Glue would refuse or change is refused', async () => {
      for (const bad of ['Orders', 'a-b', '../up', 'a/b', '', 'ü', 'x'.repeat(256)])
        expect(await kindOf(catalog.create(bad, entry('v1')))).toBe('usage')
    })
  })
}
