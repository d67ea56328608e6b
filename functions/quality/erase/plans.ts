import type { Lake, TableName, Uri } from '#lake/lake.ts'

/**
 * Documents of compactions name files with the bounds of their columns, of rows that are gone as well. Those that name a file that is not there any
 * more are of no use to anybody: their compaction is done, or cannot be committed.
 */
export async function stalePlans(lake: Lake, table: TableName): Promise<readonly Uri[]> {
  const stale: Uri[] = []
  const known = new Map<Uri, boolean>()
  const isThere = async (file: Uri): Promise<boolean> => {
    const found = known.get(file) ?? (await lake.storage.head(file)) !== undefined
    known.set(file, found)
    return found
  }
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/compactions/${table}/`)) {
    const files = textsIn(Buffer.from(await lake.storage.get(uri)).toString('utf8')).filter(text =>
      text.endsWith('.parquet'),
    )
    for (const file of files)
      if (!(await isThere(file))) {
        stale.push(uri)
        break
      }
  }
  return stale
}

/** Every text of a JSON document. */
function textsIn(text: string): readonly string[] {
  const found: string[] = []
  JSON.parse(text, (_name, value: unknown) => {
    if (typeof value === 'string') found.push(value)
    return value
  })
  return found
}
