// What docs/tables.md shows of a compaction is what the commands print, sizes and seconds aside, on a table of six small files.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { startLocal } from '#local/run.ts'
import { blocksOf, ROOT, readPage } from './pages.ts'

/** So many files are small that the pipeline leaves them alone. */
const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/*.ndjson' },
  columns: { id: { type: 'long', required: true }, placed_at: 'timestamptz' },
  partitionBy: ['day(placed_at)'],
  compaction: { minFiles: 100 },
})

test('docs/tables.md prints what compaction prints', { timeout: 60_000 }, async () => {
  const sessions = blocksOf(readPage('docs/tables.md')).filter(block => block.language === 'console')
  expect(sessions).toHaveLength(1)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-tables-'))
  try {
    await fill(folder)
    const commands = (sessions[0]?.text ?? '').split(/^\$ npx sluice /m).slice(1)
    expect(commands.length).toBeGreaterThan(2)
    for (const session of commands) {
      const [line = '', ...output] = session.trim().split('\n')
      expect(plain(sluice(folder, line.split(' ')))).toBe(plain(output.join('\n')))
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

async function fill(folder: string): Promise<void> {
  const lake = diskLake(folder)
  const runner = startLocal(lake, [orders])
  for (let file = 1; file <= 6; file++) {
    const record = { id: file, placed_at: '2026-05-01T10:00:00Z' }
    const uri = `${lake.zones.landing}/orders/${file}.ndjson`
    runner.landed([await lake.storage.put(uri, Buffer.from(`${JSON.stringify(record)}\n`))])
    await runner.idle()
  }
  await runner.close()
}

function sluice(lake: string, command: readonly string[]): string {
  const script = join(ROOT, 'cli/sluice.ts')
  const ran = spawnSync(process.execPath, [script, ...command, '--lake', lake], { encoding: 'utf8' })
  expect(ran.status, ran.stderr).toBe(0)
  return ran.stdout
}

/** Sizes, times and ids differ from run to run, and the width of columns with them. */
const plain = (text: string): string =>
  text
    .trim()
    .replaceAll(/\d+(\.\d+)? ([kMG]?B|s|GB-seconds)\b/g, '… $2')
    .replaceAll(/\d{15,}/g, '…')
    .replaceAll(/─+/g, '─')
    .replaceAll(/ +/g, ' ')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '…')
    .replaceAll(/ +$/gm, '')
