// However often, in whatever number and at whatever moment files are dropped: every record is in its table exactly once, or in
// quarantine, and what was read is what is there.
import { expect, test } from 'vitest'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { ObjectInfo } from '#lake/lake.ts'
import { balanceOf } from '#local/balance.ts'
import { type LocalRunner, startLocal } from '#local/run.ts'
import { inFolder, orderIds, query, soundIds } from './lake-state.ts'
import { orderLines, orders, PRICES, prices, shop } from './shop.ts'

async function inLake(
  work: (
    lake: LocalLake,
    runner: LocalRunner,
    drop: (key: string, text: string) => Promise<ObjectInfo>,
  ) => Promise<void>,
): Promise<void> {
  await inFolder(async folder => {
    const failures: unknown[] = []
    const lake = diskLake(folder, { log: line => line.level === 'error' && failures.push(line) })
    const runner = startLocal(lake, shop, { windowMs: 5 })
    await work(lake, runner, async (key, text) => {
      const object = await lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(text))
      runner.landed([object])
      return object
    })
    await runner.close()
    expect(failures).toEqual([])
  })
}

test('the same file dropped twice, at once or later', () =>
  inLake(async (lake, runner, drop) => {
    await drop('orders/a', orderLines(0, 20))
    await drop('orders/a', orderLines(0, 20))
    await runner.idle()
    await drop('orders/a', orderLines(0, 20))
    await runner.idle()
    expect(await orderIds(lake)).toEqual(soundIds(0, 20))
    expect(await balanceOf(lake, orders)).toMatchObject({
      read: 20,
      rows: 18,
      quarantined: 2,
      superseded: 0,
      reasons: [['type:amount', 2]],
    })
  }))

test('an event that is delivered again and again', () =>
  inLake(async (lake, runner, drop) => {
    const object = await drop('orders/a', orderLines(0, 10))
    runner.landed([object, object])
    await runner.idle()
    runner.landed([object])
    await runner.idle()
    await runner.catchUp()
    await runner.idle()
    expect(await orderIds(lake)).toEqual(soundIds(0, 10))
  }))

test('ten files at once', () =>
  inLake(async (lake, runner, drop) => {
    await Promise.all(Array.from({ length: 10 }, (_, at) => drop(`orders/${at}`, orderLines(at * 10, 10))))
    await runner.idle()
    expect(await orderIds(lake)).toEqual(soundIds(0, 100))
    expect(await balanceOf(lake, orders)).toMatchObject({
      objects: 10,
      read: 100,
      rows: 90,
      quarantined: 10,
      partitions: 3,
    })
  }))

test('files during a run', () =>
  inLake(async (lake, runner, drop) => {
    await drop('orders/0', orderLines(0, 10))
    for (let at = 1; at < 5; at++) {
      await lake.clock.sleep(40)
      await drop(`orders/${at}`, orderLines(at * 10, 10))
    }
    await runner.idle()
    expect(await orderIds(lake)).toEqual(soundIds(0, 50))
  }))

test('the same key with other bytes is another object', () =>
  inLake(async (lake, runner, drop) => {
    await drop('orders/a', orderLines(0, 10))
    await runner.idle()
    await drop('orders/a', orderLines(10, 10))
    await runner.idle()
    expect(await orderIds(lake)).toEqual(soundIds(0, 20))
  }))

test('a full extract replaces the one before, and going back to it is a change too', () =>
  inLake(async (lake, runner, drop) => {
    for (const text of [PRICES, 'sku,price\na,9.00\n', PRICES]) {
      await drop('prices/today.csv', text)
      await runner.idle()
    }
    expect(
      await query(lake, 'prices', table => sql`SELECT sku, price::VARCHAR AS price FROM ${table} ORDER BY sku`),
    ).toEqual([
      { sku: 'a', price: '1.50' },
      { sku: 'b', price: '2.25' },
    ])
    expect(await balanceOf(lake, prices)).toMatchObject({ objects: 3, read: 5, rows: 2, superseded: 3 })
  }))

test('an object that no dataset wants is put aside and stops nobody', () =>
  inLake(async (lake, runner, drop) => {
    await drop('elsewhere/x.bin', 'x')
    await drop('orders/a', orderLines(0, 10))
    await runner.idle()
    expect(await orderIds(lake)).toHaveLength(9)
    const letters: string[] = []
    for await (const object of lake.storage.list(`${lake.zones.ops}/dead-letters/ingest/`)) letters.push(object.uri)
    expect(letters).toHaveLength(1)
  }))

test('a broken file goes to quarantine whole, and its neighbours into the table', () =>
  inLake(async (lake, runner, drop) => {
    await drop('orders/zip', 'PK\u0003\u0004 this is an archive')
    await drop('orders/a', orderLines(0, 10))
    await runner.idle()
    expect(await balanceOf(lake, orders)).toMatchObject({ read: 11, rows: 9, quarantined: 2 })
    const refused = await query(
      lake,
      'orders__quarantine',
      table => sql`SELECT reason, record::INTEGER AS record, raw IS NULL AS whole FROM ${table} ORDER BY record`,
    )
    expect(refused).toEqual([
      { reason: 'format', record: 0, whole: true },
      { reason: 'type:amount', record: 10, whole: false },
    ])
  }))
