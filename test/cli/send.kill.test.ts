// A `sluice send` that is killed or interrupted in the middle loses nothing that the stream has taken and leaves no half record: whoever comes next delivers
// it, and sending goes on behind it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { weather } from '../../datasets/weather.ts'
import { diskLake, type LocalLake } from '../../lake/disk/disk-lake.ts'
import { sql } from '../../lake/duckdb/sql.ts'
import { query } from '../local/lake-state.ts'

const LAUNCHER = join(import.meta.dirname, '../../cli/sluice.js')
const DAYS = 2_000

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-send-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const dayOf = (at: number): string => new Date(Date.UTC(2000, 0, 1 + at)).toISOString().slice(0, 10)
const lineOf = (at: number): string =>
  `${JSON.stringify({ date: dayOf(at), precipitation: 0, temp_max: 20, temp_min: 10, weather: 'sun' })}\n`

const start = (...argv: readonly string[]) =>
  spawn(process.execPath, [LAUNCHER, ...argv], { cwd: folder, env: { PATH: process.env['PATH'] } })

async function codeOf(...argv: readonly string[]): Promise<number | null> {
  const child = start(...argv)
  child.stdout.resume()
  child.stderr.resume()
  return new Promise(resolve => child.on('close', resolve))
}

async function takenBy({ stream }: LocalLake): Promise<number> {
  const puts = await Promise.all((await stream.waiting()).map(({ uri }) => stream.read(uri)))
  return puts.reduce((sum, records) => sum + (records?.length ?? 0), 0)
}

test('killed, delivered by the next one, and sent on', async () => {
  const lake = diskLake(join(folder, '.sluice'))
  const child = start('send', '-', '--dataset', weather.name)
  child.stdin.on('error', () => undefined)
  let at = 0
  while ((await takenBy(lake)) === 0 && at < DAYS) {
    child.stdin.write(Array.from({ length: 5 }, () => lineOf(at++)).join(''))
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  child.kill('SIGKILL')
  await new Promise(resolve => child.on('close', resolve))
  const taken = await takenBy(lake)
  expect(taken).toBeGreaterThan(0)
  expect(taken).toBeLessThan(DAYS)

  expect(await codeOf('local', '--once')).toBe(0)
  const days = async (): Promise<readonly unknown[]> =>
    (await query(lake, 'weather', table => sql`SELECT CAST(date AS VARCHAR) AS day FROM ${table} ORDER BY date`)).map(
      row => row['day'],
    )
  expect(await days()).toEqual(Array.from({ length: taken }, (_, index) => dayOf(index)))

  writeFileSync(join(folder, 'all.ndjson'), Array.from({ length: DAYS }, (_, index) => lineOf(index)).join(''))
  expect(await codeOf('send', 'all.ndjson', '--dataset', weather.name, '--from-line', String(taken + 1))).toBe(0)
  expect(await days()).toEqual(Array.from({ length: DAYS }, (_, index) => dayOf(index)))
}, 60_000)

test('interrupted, and sent on from the line that it names', async () => {
  const lake = diskLake(join(folder, '.sluice'))
  writeFileSync(join(folder, 'all.ndjson'), Array.from({ length: DAYS }, (_, index) => lineOf(index)).join(''))
  const child = start('send', 'all.ndjson', '--dataset', weather.name, '--rate', '100')
  let out = ''
  child.stdout.on('data', (text: Buffer) => {
    out += text
  })
  child.stderr.resume()
  while ((await takenBy(lake)) === 0) await new Promise(resolve => setTimeout(resolve, 20))
  child.kill('SIGINT')
  expect(await new Promise(resolve => child.on('close', resolve))).toBe(1)
  const [, line] = /stopped before line (\d+); go on with --from-line \1\n/.exec(out) ?? []
  expect(Number(line)).toBeGreaterThan(1)
  expect(Number(line)).toBeLessThan(DAYS)

  expect(await codeOf('send', 'all.ndjson', '--dataset', weather.name, '--from-line', String(line))).toBe(0)
  const days = await query(
    lake,
    'weather',
    table => sql`SELECT CAST(date AS VARCHAR) AS day FROM ${table} ORDER BY date`,
  )
  expect(days.map(({ day }) => day)).toEqual(Array.from({ length: DAYS }, (_, index) => dayOf(index)))
}, 60_000)
