// The session that docs/quality.md shows of a quarantine is what the commands print, on a month of weather whose fog a rule had forgotten.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { startLocal } from '#local/run.ts'
import { blocksOf, ROOT, readPage } from './pages.ts'

/** As datasets/weather.ts was before somebody added fog. */
const before = defineDataset({
  name: 'weather',
  source: { system: 'noaa', format: 'ndjson', match: 'weather/**/*.ndjson*' },
  columns: { date: { type: 'date', required: true }, precipitation: 'decimal(6,1)', weather: 'string' },
  partitionBy: ['year(date)'],
  evolution: 'add',
  quality:
    'Rules = [ ColumnValues "precipitation" >= 0, ColumnValues "weather" in ["drizzle", "rain", "snow", "sun"] ]',
})

const LINES = [
  '{"date":"2026-05-01","precipitation":0.0,"weather":"sun"}',
  '{"date":"2026-05-02","precipitation":1.2,"weather":"fog"}',
  '{"date":"2026-05-03","precipitation":0.3,"weather":"fog"}',
  '{"date":"2026-05-04","precipitation":-9,"weather":"rain"}',
  '{"date":"test"}',
]

test('docs/quality.md prints what the quarantine prints', { timeout: 60_000 }, async () => {
  const sessions = blocksOf(readPage('docs/quality.md')).filter(
    block => block.language === 'console' && block.text.includes('sluice quarantine'),
  )
  expect(sessions).toHaveLength(1)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-quarantine-'))
  try {
    const lake = diskLake(folder)
    const runner = startLocal(lake, [before])
    const uri = `${lake.zones.landing}/weather/2026-05.ndjson`
    runner.landed([await lake.storage.put(uri, Buffer.from(`${LINES.join('\n')}\n`))])
    await runner.idle()
    await runner.close()
    const commands = (sessions[0]?.text ?? '').split(/^\$ npx sluice /m).slice(1)
    expect(commands.length).toBeGreaterThan(4)
    for (const session of commands) {
      const [line = '', ...output] = session.trim().split('\n')
      expect(plain(sluice(folder, line))).toBe(plain(output.join('\n')))
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

function sluice(lake: string, line: string): string {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => (quoted ?? word) as string)
  const script = join(ROOT, 'cli/sluice.ts')
  const env = { ...process.env, COLUMNS: '110' }
  const ran = spawnSync(process.execPath, [script, ...words, '--lake', lake], { encoding: 'utf8', env })
  expect(ran.stderr).toBe('')
  return ran.stdout
}

/** Times, ids and dates of landing differ from run to run. */
const plain = (text: string): string =>
  text
    .trim()
    .replaceAll(/\b[0-7][0-9A-HJKMNP-TV-Z]{25}\b/g, '…')
    .replaceAll(/\d{15,}/g, '…')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '…')
    .replaceAll(/ingest_date=\d{4}-\d\d-\d\d\/ingest_hour=\d\d/g, '…')
    .replaceAll(/─+/g, '─')
    .replaceAll(/ +/g, ' ')
    .replaceAll(/ +$/gm, '')
