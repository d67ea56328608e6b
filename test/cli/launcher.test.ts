// What only a process of its own can show: the launcher, exit codes, a closed pipe, Ctrl-C, and an old Node that hands over to the
// one that the package brings or says in one sentence that it is too old.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const LAUNCHER = join(import.meta.dirname, '../../cli/sluice.js')
const PINNED = join(import.meta.dirname, `../../node_modules/node-${process.platform}-${process.arch}/bin/node`)
/** Makes this Node look like an old one; a Node that it starts is what it is. */
const OLD = [
  '--import',
  `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })")}`,
]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-launcher-'))
  mkdirSync(join(folder, '.sluice/landing'), { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const start = (argv: readonly string[], flags: readonly string[] = []): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [...flags, LAUNCHER, ...argv], { cwd: folder, env: { PATH: process.env['PATH'] } })

function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const printed = { out: '', err: '' }
  child.stdout.on('data', data => {
    printed.out += data
  })
  child.stderr.on('data', data => {
    printed.err += data
  })
  return new Promise(resolve => child.on('close', code => resolve({ code, ...printed })))
}

/** Resolves when the child has printed the text. */
function printed(child: ChildProcessWithoutNullStreams, text: string): Promise<void> {
  let all = ''
  child.stderr.on('data', data => {
    all += data
  })
  return new Promise((resolve, reject) => {
    child.stdout.on('data', data => {
      all += data
      if (all.includes(text)) resolve()
    })
    child.on('close', () => reject(new Error(`ended without printing ${text}: ${all}`)))
  })
}

test('the version, a query, and the three exit codes', async () => {
  expect(await ended(start(['--version']))).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  expect(await ended(start(['sql', 'select 42 as n', '--json']))).toEqual({ code: 0, out: '{"n":42}\n', err: '' })
  expect(await ended(start(['show', 'nothing']))).toMatchObject({ code: 1, out: '' })
  expect(await ended(start(['nothing']))).toMatchObject({ code: 2, out: '' })
})

test('it is executable and begins with node, as npx wants it', () => {
  const direct = spawn(LAUNCHER, ['--version'], { cwd: folder, env: { PATH: process.env['PATH'] } })
  return expect(ended(direct)).resolves.toMatchObject({ code: 0, err: '' })
})

test('a reader that goes away, as head does, is no error', async () => {
  const child = start(['sql', 'select i from range(5000000) t(i)', '--csv'])
  child.stdout.once('data', () => child.stdout.destroy())
  const { code, err } = await ended(child)
  expect({ code, err }).toEqual({ code: 0, err: '' })
})

test('nobody reads errors either', async () => {
  const child = start(['show', 'nothing'])
  child.stderr.destroy()
  child.stdout.destroy()
  expect((await ended(child)).code).toBe(1)
})

test.each([
  ['SIGINT', []],
  ['SIGTERM', []],
  ['SIGINT', OLD],
  ['SIGTERM', OLD],
] as const)(
  'local ends cleanly on %s %j',
  async (signal, flags) => {
    if (flags.length > 0 && !existsSync(PINNED)) return console.warn(`skipped: there is no ${PINNED}`)
    const child = start(['local'], flags)
    const end = ended(child)
    await printed(child, 'Watching ')
    child.kill(signal)
    const { code, out, err } = await end
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('Stopping: what is under way is finished first.\n')
    expect(existsSync(join(folder, '.sluice/tmp/local.json'))).toBe(false)
  },
  30_000,
)

test('a watcher that was killed leaves a mark that the next one takes over', async () => {
  const child = start(['local'])
  const end = ended(child)
  await printed(child, 'Watching ')
  child.kill('SIGKILL')
  await end
  const next = start(['local'])
  const nextEnd = ended(next)
  await printed(next, 'Watching ')
  next.kill('SIGINT')
  expect(await nextEnd).toMatchObject({ code: 0, err: '' })
}, 30_000)

test('an old Node hands over to the one that the package brings', async () => {
  if (!existsSync(PINNED)) return console.warn(`skipped: there is no ${PINNED}`)
  const query = await ended(start(['sql', 'select 42 as n', '--json'], OLD))
  expect(query).toEqual({ code: 0, out: '{"n":42}\n', err: '' })
  expect((await ended(start(['nothing'], OLD))).code).toBe(2)
})

test('an old Node alone says so in one sentence', async () => {
  const alone = join(folder, 'alone')
  mkdirSync(alone)
  cpSync(LAUNCHER, join(alone, 'sluice.js'))
  writeFileSync(join(alone, 'package.json'), '{"type":"module"}')
  const child = spawn(process.execPath, [...OLD, join(alone, 'sluice.js'), 'tables'], { cwd: alone })
  expect(await ended(child)).toEqual({
    code: 1,
    out: '',
    err: 'error: Sluice needs Node 22.18 or newer, this is 20.1.0: install one from nodejs.org\n',
  })
})

test('a file that is moved into landing while it watches', async () => {
  const child = start(['local'])
  const end = ended(child)
  await printed(child, 'Watching ')
  mkdirSync(join(folder, '.sluice/landing/unknown'), { recursive: true })
  writeFileSync(join(folder, 'x.txt'), 'x')
  renameSync(join(folder, 'x.txt'), join(folder, '.sluice/landing/unknown/x.txt'))
  await printed(child, '1 rejected (no-dataset 1)')
  child.kill('SIGINT')
  expect((await end).code).toBe(0)
}, 30_000)
