import { defineDataset } from '#lake/dataset.ts'

/** A small shop: orders that are appended, some of them broken, and a price list that is replaced. */
export const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/*' },
  columns: { id: { type: 'long', required: true }, day: 'date', amount: 'decimal(9,2)' },
  partitionBy: ['month(day)'],
})

export const prices = defineDataset({
  name: 'prices',
  source: { system: 'shop', format: 'csv', match: 'prices/*.csv' },
  columns: { sku: { type: 'string', required: true }, price: 'decimal(9,2)' },
  publish: 'replace',
})

export const shop = [orders, prices]

/** `count` orders from `from` on; every tenth one is broken. */
export function orderLines(from: number, count: number): string {
  const line = (id: number): string =>
    id % 10 === 9
      ? `{"id": ${id}, "amount": "much"}`
      : JSON.stringify({ id, day: `2026-0${1 + (id % 3)}-15`, amount: id / 4 })
  return `${Array.from({ length: count }, (_, at) => line(from + at)).join('\n')}\n`
}

export const PRICES = 'sku,price\na,1.50\nb,2.25\n'
