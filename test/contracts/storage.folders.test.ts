// A staged file lies in the folder that was asked for or in one that the storage names beforehand: a session that may read
// those reads every staged file, and on a storage that names none it reads nothing else.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { diskLake, memoryLake } from '../../lake/disk/disk-lake.ts'
import { sql } from '../../lake/duckdb/sql.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-folders-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test.each([
  ['disk', () => diskLake(root)],
  ['memory', () => memoryLake()],
])('%s', async (_name, open) => {
  const lake = open()
  const folder = join(root, 'work')
  const folders = [folder, ...lake.storage.folders]
  const session = await lake.engine.open({ threads: 1, memoryBytes: 200_000_000, folders, scratch: folder })
  try {
    for (const zone of Object.values(lake.zones)) {
      await lake.storage.put(`${zone}/a/b.csv`, Buffer.from('id\n7\n'))
      const { path } = await lake.storage.stage(`${zone}/a/b.csv`, folder)
      expect(folders.some(each => path.startsWith(`${each}/`))).toBe(true)
      expect(await session.rows(sql`SELECT id FROM read_csv(${path})`)).toEqual([{ id: '7' }])
    }
  } finally {
    await session.close()
  }
})

test('in memory there is nothing to hand out as it is stored', () => {
  expect(memoryLake().storage.folders).toEqual([])
})
