import { TABLE_NAME } from '#lake/catalog-rules.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { closest } from './closest.ts'
import { refusal } from './refusal.ts'

/** The Iceberg table of that name; the error names tables that may have been meant. */
export async function openLakeTable(lake: Lake, name: string): Promise<Table> {
  const table = TABLE_NAME.test(name) ? await loadTable(lake, name) : undefined
  if (table !== undefined) return table
  if (name.endsWith('__raw') && TABLE_NAME.test(name))
    throw refusal(
      'unsupported',
      `${name} is the raw zone: the files as they came, which only a query engine with their format reads`,
      `the typed rows of them are in ${name.slice(0, -'__raw'.length)}`,
    )
  const names = await lake.catalog.tables()
  const near = closest(name, names)
  if (near.length > 0) throw refusal('not-found', `there is no table ${name}`, `did you mean ${near.join(' or ')}?`)
  const next = names.length === 0 ? 'put a file first: sluice put FILE --dataset NAME' : '`sluice tables` lists them'
  throw refusal('not-found', `there is no table ${name}`, next)
}
