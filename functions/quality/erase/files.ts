import { quarantineTableName } from '#lake/dataset.ts'
import { type FileHit, searchFiles } from '#lake/erase-rows.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'
import { QUALITY_RESULTS } from '#lake/quality-results.ts'
import { leadersOf } from '#lake/route.ts'
import { type EraseRequest, type Marks, matchOf, saidOf, tablesOf } from './request.ts'
import { quotesBounds, strayManifests } from './strays.ts'

export interface TableSearch {
  readonly table: TableName
  readonly snapshots: number
  readonly files: number
  readonly hits: readonly FileHit[]
}

export interface FileSearches {
  readonly files: number
  readonly hits: readonly Uri[]
}

/** Every file in the places of the tables, whether a snapshot needs it or not, and of those that were swept what is still kept. */
export async function searchTables(lake: Lake, request: EraseRequest, marks: Marks): Promise<readonly TableSearch[]> {
  const found: TableSearch[] = []
  for (const { table: name, match, named } of await tablesOf(lake, request, marks)) {
    const table = await loadTable(lake, name)
    if (table === undefined) continue
    const { metadata } = table
    const { files, hits: holding } = await searchFiles(lake, `${metadata.location}/`, {
      schema: currentSchema(metadata),
      match: { ...match, ...(named ? { said: named } : {}) },
    })
    const hits = [...holding]
    const strays = await strayManifests(lake, table)
    for (const stray of strays) if (await quotesBounds(lake, request, stray)) hits.push(stray)
    found.push({ table: name, snapshots: metadata.snapshots.length, files, hits })
  }
  return found
}

/** Of staged files, the URIs: what becomes of them is decided batch by batch. */
export async function searchStaging(lake: Lake, request: EraseRequest, marks: Marks): Promise<FileSearches> {
  const { dataset, datasets } = request
  const own = await searchFolder(lake, dataset.name, {
    [dataset.name]: matchOf(request, marks),
    [quarantineTableName(dataset)]: { places: marks.places },
    [QUALITY_RESULTS]: { said: saidOf(request) },
  })
  const others = []
  for (const { name } of leadersOf(dataset, datasets))
    others.push(await searchFolder(lake, name, { [quarantineTableName({ name })]: { places: marks.places } }))
  const all = [own, ...others]
  return { files: all.reduce((sum, each) => sum + each.files, 0), hits: all.flatMap(each => each.hits) }
}

/** Staged files are of the dataset's table or of its quarantine, and each is read as what it is: field ids of another table mean other columns. */
async function searchFolder(
  lake: Lake,
  dataset: string,
  matches: Readonly<Record<TableName, ReturnType<typeof matchOf>>>,
): Promise<FileSearches> {
  const hits = new Set<Uri>()
  let looked = 0
  for (const [name, match] of Object.entries(matches)) {
    const table = await loadTable(lake, name)
    if (table === undefined) continue
    const prefix = `${lake.zones.staging}/${dataset}/`
    const isOf = (uri: Uri): boolean => labelOf(uri) === (name === dataset ? 'rows' : 'quarantine')
    const found = await searchFiles(lake, prefix, { schema: currentSchema(table.metadata), match, isOf })
    looked = Math.max(looked, found.files)
    for (const { uri } of found.hits) hits.add(uri)
  }
  return { files: looked, hits: [...hits] }
}

/** By the name that `quality` gave the file when it staged it. */
function labelOf(uri: Uri): 'rows' | 'quarantine' | 'results' {
  const label = uri.slice(uri.lastIndexOf('/') + 1).replace(/-\d+\.parquet$/, '')
  return label === 'quarantine' || label === 'results' ? label : 'rows'
}
