import type { Lake, TableName } from './lake.ts'
import { readSideTable } from './replay-documents.ts'

/** The tables that replays have built for a dataset, beside its own. */
export async function sideTablesOf(lake: Lake, dataset: string): Promise<readonly TableName[]> {
  const prefix = `${lake.zones.ops}/side-tables/`
  const found: TableName[] = []
  for await (const { uri } of lake.storage.list(prefix)) {
    const [table = '', name] = uri.slice(prefix.length).split('/')
    if (name !== 'table.json') continue
    const side = await readSideTable(lake, table)
    if (side?.dataset === dataset) found.push(side.table)
  }
  return found
}
