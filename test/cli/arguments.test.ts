// What is asked for in a way that cannot be is a usage error: exit code 2, one line that says what, one that says what to do,
// nothing on standard output. Help and version go to standard output with exit code 0.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeAll(() => {
  bench = commandBench()
})
afterAll(() => bench.remove())

test.each([
  [['sq', 'select 1'], 'error: there is no command "sq"\nnext:  did you mean `sluice sql`?\n'],
  [['frobnicate'], 'error: there is no command "frobnicate"\nnext:  `sluice --help` lists the commands\n'],
  [
    ['quarantine', 'list', '--record', '-1'],
    'error: sluice quarantine: --record has no value\nnext:  give one; one that begins with - as --record=-1\n',
  ],
  [['tables', '--jsn'], "error: sluice tables: Unknown option '--jsn'\nnext:  did you mean --json?\n"],
  [
    ['tables', '--zzzzzz'],
    "error: sluice tables: Unknown option '--zzzzzz'\nnext:  `sluice tables --help` lists the options\n",
  ],
  [['show'], 'error: sluice show needs TABLE\nnext:  use it as: sluice show flights\n'],
  [['show', 'a', 'b', 'c'], 'error: sluice show: too many arguments: b c\nnext:  use it as: sluice show flights\n'],
  [['tables', 'a'], 'error: sluice tables: takes no arguments: a\nnext:  use it as: sluice tables\n'],
  [['--lake', '/x'], 'error: --lake /x needs a command\nnext:  `sluice --help` lists the commands\n'],
])('%j is refused', async (argv, err) => {
  expect(await bench.run(argv)).toEqual({ code: 2, out: '', err })
})

test('an option that wants a value says so', async () => {
  const ran = await bench.run(['sql', 'select 1', '--limit'])
  expect(ran.code).toBe(2)
  expect(ran.err).toMatch(/^error: sluice sql: Option '--limit <value>' argument missing\nnext: {2}/)
})

test('without arguments the commands are listed', async () => {
  const ran = await bench.run([])
  expect(ran.code).toBe(0)
  for (const name of ['local', 'put FILE…', 'tables', 'show TABLE', 'sql QUERY', 'explain LANDING-KEY'])
    expect(ran.out).toContain(`\n  ${name}`)
  expect(await bench.run(['--help'])).toEqual(ran)
  expect(await bench.run(['help'])).toEqual(ran)
})

test.each(['local', 'put', 'tables', 'show', 'sql', 'explain'])('%s has help with an example', async name => {
  const ran = await bench.run([name, '--help'])
  expect(ran.code).toBe(0)
  expect(ran.err).toBe('')
  expect(ran.out).toMatch(new RegExp(`\nExamples?\n {2}sluice ${name}`))
  expect(ran.out).toContain('--lake FOLDER')
  expect(await bench.run(['help', name])).toEqual(ran)
  expect(await bench.run([name, '-h'])).toEqual(ran)
  for (const columns of [80, 100]) {
    const lines = (await bench.run([name, '--help'], { columns })).out.split('\n')
    for (const line of lines) if (!line.startsWith(`  sluice ${name}`)) expect(line.length).toBeLessThanOrEqual(columns)
  }
})

test('the version is printed', async () => {
  expect(await bench.run(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' })
})

test('options of every command may stand before it, and SLUICE_LAKE names the lake when --lake does not', async () => {
  const missing = `error: there is no lake at ${bench.folder}/here\n`
  expect((await bench.run(['--lake', 'here', 'tables'])).err).toContain(missing)
  expect((await bench.run(['tables', '--lake=here'])).err).toContain(missing)
  expect((await bench.run(['tables'], { env: { SLUICE_LAKE: 'here' } })).err).toContain(missing)
  expect((await bench.run(['tables', '--lake', 'here'], { env: { SLUICE_LAKE: 'there' } })).err).toContain(missing)
  expect((await bench.run(['tables'])).err).toContain(`error: there is no lake at ${bench.folder}/.sluice\n`)
})

test('a failure is exit code 1 and prints no stack, unless --debug asks for it', async () => {
  const plain = await bench.run(['tables'])
  expect(plain.code).toBe(1)
  expect(plain.err).not.toMatch(/^\s+at /m)
  expect(plain.err.split('\n')).toHaveLength(3)
  expect((await bench.run(['tables', '--debug'])).err).toMatch(/^\s+at /m)
})

test('colours only where they are wanted', async () => {
  expect((await bench.run(['--help'], { colour: true })).out).toContain('\x1b[1mCommands\x1b[22m')
  expect((await bench.run(['--help'])).out).not.toContain('\x1b')
})
