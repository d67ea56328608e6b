// `sluice maintain` says of each table what there was, what went and what stayed and why; a dry run says the same in the conditional and
// changes nothing. A step or table that fails keeps none of the others from being done.
import { expect, test } from 'vitest'
import { readArguments } from '../../cli/arguments.ts'
import { maintain } from '../../cli/maintain.ts'
import { describeError } from '../../cli/refusal.ts'
import { commitUri } from '../../lake/batch.ts'
import { type MemoryLake, memoryLake } from '../../lake/disk/disk-lake.ts'
import { append, DAY_MS, dataFiles, newTable, replaceAll, store, stored } from '../functions/sweep/swept.ts'
import { commandBench } from './command-bench.ts'

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** On a lake in memory, because files in a folder cannot be made older than they are. */
async function run(lake: MemoryLake, argv: readonly string[], colour = false): Promise<Ran> {
  const line = readArguments(['maintain', ...argv], [maintain])
  if (line.kind !== 'command') throw new Error(line.kind)
  const texts = { out: '', err: '' }
  const output = (name: 'out' | 'err') => ({
    columns: colour ? 200 : undefined,
    colour,
    write: async (text: string) => {
      texts[name] += text
      return true
    },
  })
  const terminal = {
    ...{ out: output('out'), err: output('err'), cwd: '/', input: process.stdin, env: {}, threads: 1, pid: 1 },
    untilStopped: () => AbortSignal.abort(),
  }
  const { given, options } = line
  const code = await maintain.run({
    given,
    options,
    terminal,
    lake,
    reached: lake,
    root: '/',
    datasets: async () => [],
  })
  return { code: code ?? 0, ...texts }
}

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await newTable(lake, 'flights', { 'write.metadata.previous-versions-max': '5' })
  for (let day = 0; day < 12; day++) await append(lake, 'flights', `day-${day}`)
  await replaceAll(lake, 'flights', 'all')
  await store(lake, `${lake.zones.tables}/flights/notes.txt`)
  lake.clock.advance(6 * DAY_MS)
  await append(lake, 'flights', 'new')
  await store(lake, `${lake.zones.tables}/flights/data/upload.parquet`, 2_000)
  return lake
}

test('what people see', async () => {
  const lake = await scene()
  const would = await run(lake, ['flights', '--dry-run'])
  expect(await dataFiles(lake, 'flights')).toHaveLength(15)
  const done = await run(lake, ['flights'])
  expect(done).toMatchObject({ code: 0, err: '' })
  const [title, ...lines] = done.out.split('\n')
  expect(title).toBe('flights')
  const rows = lines.map(each => each.replaceAll(/\d+\.\d kB/g, 'X kB'))
  expect(rows).toEqual([
    expect.stringMatching(/^ {2} +count +size {2}what became of it$/),
    expect.stringMatching(/^ {2}─+ {2}─+ {2}─+ {2}─+$/),
    expect.stringMatching(/^ {2}snapshots +1 +kept, the oldest of 2026-01-07 00:00:00Z$/),
    expect.stringMatching(/^ +13 +expired: of 2026-01-01$/),
    expect.stringMatching(/^ {2}manifests +2 +X kB {2}left as they are: few, or large enough$/),
    expect.stringMatching(/^ {2}files +\d+ +X kB {2}kept: snapshots need them$/),
    expect.stringMatching(/^ +1 +X kB {2}kept: under 72 h old, a commit may need them$/),
    expect.stringMatching(/^ +1 +10 B {2}kept: no files that a table's writer makes$/),
    expect.stringMatching(/^ {2}data +12 +120 B {2}deleted: no snapshot needs them$/),
    expect.stringMatching(/^ {2}manifests +\d+ +X kB {2}deleted: no snapshot needs them$/),
    expect.stringMatching(/^ {2}old metadata +\d+ +X kB {2}deleted: no longer in the log of the table$/),
    expect.stringMatching(/^ {2}X kB freed, \d+ files$/),
    '',
    '',
  ])
  expect(await dataFiles(lake, 'flights')).toEqual(['all', 'new', 'upload'])
  expect(would.out).toContain('flights  dry run: nothing is changed\n')
  expect(would.out).toContain('what would become of it')
  expect(would.out).toMatch(/ 13 +would be expired: of 2026-01-01\n/)
  expect(would.out).toMatch(/ {2}data +12 +120 B {2}would be deleted: no snapshot needs them\n/)
  expect(would.out).toMatch(/ kB would be freed, \d+ files\n/)
})

test('as JSON, with nothing but JSON in it', async () => {
  const lake = await scene()
  const ran = await run(lake, ['flights', '--json'])
  const { tables, staging } = JSON.parse(ran.out)
  expect(staging).toBeUndefined()
  expect(tables).toHaveLength(1)
  expect(tables[0]).toMatchObject({
    table: 'flights',
    dryRun: false,
    expire: { snapshots: { before: 14, after: 1 } },
    manifests: { rewritten: false },
    sweep: { graceHours: 72, orphans: { data: { files: 12, bytes: 120 } }, missing: { files: 0 } },
    failures: [],
  })
})

test.each([
  ['expire', ['expire']],
  ['manifests', ['manifests']],
  ['sweep', ['sweep']],
])('--only %s does that alone', async (step, done) => {
  const lake = await scene()
  const { tables } = JSON.parse((await run(lake, ['flights', '--only', step, '--json'])).out)
  expect(Object.keys(tables[0]).filter(key => ['expire', 'manifests', 'sweep'].includes(key))).toEqual(done)
  expect(await dataFiles(lake, 'flights')).toHaveLength(15)
})

test('--older-than: less than a day comes with a warning, and takes young files', async () => {
  const lake = await scene()
  lake.clock.advance(DAY_MS / 6)
  expect((await run(lake, ['flights', '--older-than', '24'])).err).toBe('')
  expect(await dataFiles(lake, 'flights')).toContain('upload')
  expect((await run(lake, ['flights', '--older-than', '3', '--dry-run'])).err).toBe('')
  const ran = await run(lake, ['flights', '--older-than', '3'])
  expect(ran.err).toMatch(/^warning: a commit under way may still name files of the last day/)
  expect(await dataFiles(lake, 'flights')).not.toContain('upload')
})

test('all tables: those that must not be touched are left alone, and the others go on', async () => {
  const lake = await scene()
  await newTable(lake, 'cloned', { 'gc.enabled': 'false' })
  await append(lake, 'cloned', 'a')
  for (const batch of ['b1', 'b2']) await store(lake, `${lake.zones.staging}/flights/${batch}/verdict.json`)
  await store(lake, commitUri(lake, 'flights', 'b1'))
  lake.clock.advance(22 * DAY_MS)
  const ran = await run(lake, [])
  expect(ran.code).toBe(0)
  expect(ran.out).toContain('  – expire: cloned has gc.enabled=false: its snapshots are not to be expired\n')
  expect(ran.out).toContain('  – sweep: cloned has gc.enabled=false: its files may be used by other tables\n')
  expect(ran.out).toContain(
    '\nstaging\n  1 file, 10 B, of a batch deleted: committed and old\n  kept: an old batch that was never committed\n',
  )
  expect(await dataFiles(lake, 'flights')).toEqual(['all', 'new'])
  expect((await run(lake, ['cloned'])).code).toBe(1)
})

test('a missing file is named, and the exit code says so', async () => {
  const lake = await scene()
  const lost = `${lake.zones.tables}/flights/data/new.parquet`
  await lake.storage.delete(lost)
  const ran = await run(lake, ['flights'])
  expect(ran.code).toBe(1)
  expect(ran.out).toContain(`  ✗ 1 file that snapshots need is missing:\n    ${lost}\n`)
})

test('a table whose history is broken: the steps that need it say so, nothing is deleted, the next table goes on', async () => {
  const lake = await scene()
  await newTable(lake, 'a_broken')
  const { metadata } = await append(lake, 'a_broken', 'a')
  await lake.storage.delete(metadata.snapshots[0]?.['manifest-list'] as string)
  await store(lake, `${lake.zones.tables}/a_broken/data/orphan.parquet`)
  lake.clock.advance(9 * DAY_MS)
  const ran = await run(lake, [])
  expect(ran.code).toBe(1)
  expect(ran.out).toMatch(/✗ sweep: a_broken: .*\.avro is missing\n/)
  expect(await dataFiles(lake, 'a_broken')).toEqual(['a', 'orphan'])
  expect(await dataFiles(lake, 'flights')).toEqual(['all', 'new'])
})

test('on a terminal a line says what is being done, and is gone in the end', async () => {
  const lake = await scene()
  const ran = await run(lake, ['flights'], true)
  expect(ran.out).toContain('flights: expiring snapshots …')
  expect(ran.out.split('\x1b[2K').at(-1)).toContain('\x1b[1mflights\x1b[22m\n')
  expect(ran.out.split('\x1b[2K').at(-1)).not.toContain('…')
})

test.each([
  [['--only', 'swep'], 'there is no such step', 'sweep?'],
  [['--older-than', '0'], 'not a number of hours', '1 at the least'],
  [['--older-than', '1d'], 'not a number of hours', '1 at the least'],
])('%j is refused and changes nothing', async (argv, message, next) => {
  const lake = await scene()
  const before = await stored(lake)
  const error = await run(lake, ['flights', ...argv]).catch((refused: unknown) => refused)
  expect(describeError(error)).toContain(message)
  expect(describeError(error)).toContain(next)
  expect(await stored(lake)).toEqual(before)
})

test('on a lake in a folder: a name that is nearly right, and a lake without tables', async () => {
  const bench = commandBench()
  await newTable(bench.lake, 'flights')
  expect((await bench.run(['maintain', 'flight'])).err).toContain('did you mean flights?')
  expect(await bench.run(['maintain', 'FLIGHTS'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('nothing to delete'),
  })
  bench.remove()
})
