// Whatever the order and the batches in which raw objects are refined again, the tables are logically the same: appended rows are there
// once, and of full extracts the newest wins, also when an older one is replayed after it.
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { tableRows } from '../quality/batches.ts'
import { landed, replayed, replayLake } from './replaying.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: 'long', day: 'date' },
  partitionBy: ['month(day)'],
  evolution: 'add',
})
const prices = defineDataset({
  name: 'prices',
  source: { system: 'shop', format: 'csv', match: 'prices/**' },
  columns: { sku: 'string', price: 'decimal(9,2)' },
  publish: 'replace',
})
const stock = defineDataset({
  name: 'stock',
  source: { system: 'shop', format: 'ndjson', match: 'stock/**' },
  columns: { sku: 'string', shop: 'string', pieces: 'long' },
  partitionBy: ['shop'],
  publish: { mode: 'replace', scope: 'partitions' },
})
const all = [orders, prices, stock]

async function scene(): Promise<MemoryLake> {
  const lake = replayLake()
  for (let at = 0; at < 6; at++) {
    const records = [
      { id: at, day: `2026-0${1 + (at % 3)}-01` },
      at === 3 ? { id: 'x' } : { id: 10 + at, [`new${at % 2}`]: at },
    ]
    await landed(lake, all, { key: `orders/${at}`, text: records.map(each => JSON.stringify(each)).join('\n') })
    await landed(lake, all, { key: 'prices/today', text: `sku,price\na,${at}.50\nb,junk${at}\n` })
    const shop = ['north', 'south'][at % 2]
    await landed(lake, all, { key: `stock/${shop}`, text: `{"sku": "a", "shop": "${shop}", "pieces": ${at}}\n` })
  }
  return lake
}

/** Every row with all of its columns by name, where it came from included; batches are named by chance. */
async function contents(lake: MemoryLake, suffix = ''): Promise<Readonly<Record<string, readonly string[]>>> {
  const tables = all.flatMap(({ name }) => [`${name}${suffix}`, `${name}${suffix}__quarantine`])
  const found = await Promise.all(
    tables.map(async table => {
      const rows = await tableRows(lake, table, sql`*`)
      const texts = rows.map(({ batch: _batch, file_row_number: _row, ...row }) =>
        JSON.stringify(
          Object.entries(row)
            .filter(([, value]) => value !== null)
            .toSorted(),
        ),
      )
      return [table.replace(suffix, ''), texts.toSorted()] as const
    }),
  )
  return Object.fromEntries(found)
}

const ORDERS: Readonly<Record<string, (days: readonly number[]) => readonly number[]>> = {
  'the newest first': objects => objects.toReversed(),
  'every other one, then the others': objects => [
    ...objects.filter(at => at % 2 === 1),
    ...objects.filter(at => at % 2 === 0),
  ],
  'in another order of its own': objects => objects.toSorted((a, b) => ((a * 7) % 5) - ((b * 7) % 5)),
}

test.each(Object.keys(ORDERS))('one batch after the other, %s', async order => {
  const lake = await scene()
  const before = await contents(lake)
  const keys = (ORDERS[order] as (typeof ORDERS)[string])([0, 1, 2, 3, 4, 5])
  for (const at of keys)
    await replayed(lake, all, { dataset: 'orders', mode: 'all', key: `orders/${at}` }, { id: `orders-${at}` })
  for (const shop of ['south', 'north', 'south'])
    await replayed(lake, all, { dataset: 'stock', mode: 'all', key: `stock/${shop}` }, { id: `stock-${shop}` })
  expect(await contents(lake)).toEqual(before)
  lake.dispose()
})

test.each([1, 4])('batches of %i, into the tables and into tables beside them', async objectsMax => {
  const lake = await scene()
  const before = await contents(lake)
  const limits = { objectsMax, bytesMax: 1_000_000 }
  for (const { name } of all) {
    await replayed(lake, all, { dataset: name, mode: 'all' }, { id: `${name}-again`, limits })
    await replayed(lake, all, { dataset: name, mode: 'all', into: `${name}_v2` }, { id: `${name}-beside`, limits })
  }
  expect(await contents(lake)).toEqual(before)
  expect(await contents(lake, '_v2')).toEqual(before)
  lake.dispose()
})
