// `sluice send` puts every line into the stream or says which it did not, and why; what the lake's own stream has taken is delivered into the tables, by this
// process or by the one that watches the lake. Its exit code is 1 when a line was not sent or nothing that was sent is good.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deliverAlone } from '../../cli/stream-delivery.ts'
import { markDeliverer, markWatcher } from '../../cli/watcher-mark.ts'
import { recordHeader } from '../../lake/stream.ts'
import { deliverDue } from '../../local/delivery.ts'
import { payments as base, streamed } from '../functions/ingest/stream-fixture.ts'
import { type CommandBench, commandBench, orders, type RunOptions } from './command-bench.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const payments = { ...base, name: 'payments' }
const datasets = [orders, ...streamed]
const run = (argv: readonly string[], options: RunOptions = {}) =>
  bench.run(argv, { datasets, ...(argv[0] === 'send' && { stop: new AbortController().signal }), ...options })
const file = (name: string, content: string | Uint8Array): void => writeFileSync(join(bench.folder, name), content)
const line = (id: number): string => `{"id":${id},"date":"2026-05-0${1 + (id % 3)}","amount":"1.50"}\n`
const lines = (count: number): string => Array.from({ length: count }, (_, at) => line(at)).join('')

const hashOf = (value: number): string => createHash('sha256').update(`${value}`).digest('hex')

async function ids(table = 'payments'): Promise<readonly number[]> {
  const ran = await run(['sql', `select id from ${table} order by id`, '--json'])
  expect(ran.err).toBe('')
  return ran.out
    .trim()
    .split('\n')
    .map(each => Number(JSON.parse(each).id))
}

test('a file, to the end of its way', async () => {
  file('a.ndjson', lines(1_200))
  const ran = await run(['send', 'a.ndjson', '--dataset', 'payments'])
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(ran.out).toMatch(/payments {2}1,200 records put, .* in .*\/s\n/)
  expect(ran.out).toContain('commit  payments  1,200 rows')
  expect(ran.out).toMatch(
    /streams\/payments\/event_date=other\/event_hour=other\/key=all\/ +payments +committed +1,200 +0\n/,
  )
  expect(await ids()).toEqual(Array.from({ length: 1_200 }, (_, at) => at))
})

test.each([
  ['gzipped', gzipSync(lines(3))],
  ['with blanks, CRLF and no last newline', `\n${line(0).replace('\n', '\r\n')}  \n${line(1)}${line(2).trim()}`],
])('a file %s', async (_what, content) => {
  file('a', content)
  expect((await run(['send', 'a', '--dataset', 'payments'])).code).toBe(0)
  expect(await ids()).toEqual([0, 1, 2])
})

test('what is piped in, in pieces of any size', async () => {
  const ran = await run(['send', '-', '--dataset', 'payments'], { input: pieces(Buffer.from(lines(100)), 7) })
  expect(ran.code).toBe(0)
  expect(await ids()).toHaveLength(100)
})

test('what is piped in gzipped, however small its first piece', async () => {
  const ran = await run(['send', '-', '--dataset', 'payments'], { input: pieces(gzipSync(lines(100)), 1) })
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(await ids()).toHaveLength(100)
})

test('a gzipped pipe that breaks off: what came before is put, and the place is told', async () => {
  const noise = Array.from({ length: 2_000 }, (_, at) => line(at).replace('}', `,"note":"${hashOf(at)}"}`)).join('')
  const input = pieces(gzipSync(noise).subarray(0, 60_000), 50_000)
  const ran = await run(['send', '-', '--dataset', 'clicks'], { input })
  expect(ran.code).toBe(1)
  const [, from] = /error: standard input cannot be read from line (\d+) on: unexpected end of file/.exec(ran.err) ?? []
  expect(Number(from)).toBeGreaterThan(1)
  expect(await ids('clicks')).toHaveLength(Number(from) - 1)
})

test('an empty pipe', async () => {
  const ran = await run(['send', '-', '--dataset', 'payments'], { input: pieces(Buffer.alloc(0), 1) })
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(ran.out).toMatch(/^payments {2}0 records put/)
})

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

const BAD = `${line(1)}no JSON\n${line(2)}[1]\n{"id":"x"}\n`

test('lines that are no event are put as they are, and told of by number', async () => {
  file('a', BAD)
  const ran = await run(['send', 'a', '--dataset', 'payments'])
  expect(ran.code).toBe(0)
  expect(ran.out).toContain('2 lines no JSON object, put as they are, for quarantine: 2, 4\n')
  const refused = await run([
    'sql',
    'select decode(raw) as raw, reason from payments__quarantine order by raw',
    '--json',
  ])
  expect(
    refused.out
      .trim()
      .split('\n')
      .map(each => JSON.parse(each)),
  ).toEqual([
    { raw: '1', reason: 'not_object' },
    { raw: 'no JSON', reason: 'not_object' },
    { raw: '{"id":"x"}', reason: 'type:id' },
  ])
})

test('a line in another encoding is in quarantine as well', async () => {
  file('a', Buffer.from(`${line(1)}{"id":2,"note":"caf\u00e9"}\n`, 'latin1'))
  const ran = await run(['send', 'a', '--dataset', 'payments'])
  expect(ran.out).toContain('1 line no JSON object, put as they are, for quarantine: 2\n')
  const refused = await run(['sql', 'select reason from payments__quarantine', '--csv'])
  expect(refused.out).toBe('reason\r\nutf8\r\n')
  expect((await run(['dlq', 'list'])).out).not.toContain('stream-error')
})

test('what is delivered along and rejected is of no dataset, which is no NULL', async () => {
  await bench.lake.stream.put([Buffer.from('of nobody')])
  file('a', line(1))
  const ran = await run(['send', 'a', '--dataset', 'payments'])
  expect(ran.out).toMatch(/stream-errors\/.* +– +rejected +0 +0\n/)
  expect(ran.out).not.toContain('NULL')
})

test('or left out, which is no success', async () => {
  file('a', BAD)
  const ran = await run(['send', 'a', '--dataset', 'payments', '--skip-bad', '--json'])
  expect(ran.code).toBe(1)
  expect(JSON.parse(ran.out)).toMatchObject({
    dataset: 'payments',
    lines: 5,
    records: 3,
    bad: { lines: 2, first: [2, 4], put: false },
    error: null,
  })
  expect(await ids()).toEqual([1, 2])
})

test('a line that no record can hold is not put, and the others are', async () => {
  file('a', `${line(1)}{"id":2,"pad":"${'x'.repeat(1_100_000)}"}\n${line(3)}`)
  const ran = await run(['send', 'a', '--dataset', 'payments'])
  expect(ran.code).toBe(1)
  expect(ran.out).toContain('1 line longer than a record may be (1,000 KiB), not put: 2\n')
  expect(await ids()).toEqual([1, 3])
})

test('a damaged gzip: what stands before the fault is sent, and from which line to go on is said', async () => {
  // Text that does not compress: all before the cut can be read.
  const noise = Array.from({ length: 2_000 }, (_, at) => line(at).replace('}', `,"note":"${hashOf(at)}"}`)).join('')
  file('cut.gz', gzipSync(noise).subarray(0, 60_000))
  const ran = await run(['send', 'cut.gz', '--dataset', 'clicks'])
  const [, from] = /error: cut.gz cannot be read from line (\d+) on: unexpected end of file\n/.exec(ran.err) ?? []
  expect(ran.code).toBe(1)
  expect(ran.err).toContain(`next:  what stands before is sent: give a whole copy with --from-line ${from}\n`)
  expect(ran.out).toContain(`clicks  ${(Number(from) - 1).toLocaleString('en')} records put`)
  file('whole.gz', gzipSync(noise))
  expect((await run(['send', 'whole.gz', '--dataset', 'clicks', '--from-line', from as string])).code).toBe(0)
  expect(await ids('clicks')).toEqual(Array.from({ length: 2_000 }, (_, at) => at))
})

test('from a line on', async () => {
  file('a', lines(10))
  expect((await run(['send', 'a', '--dataset', 'payments', '--from-line', '8'])).code).toBe(0)
  expect(await ids()).toEqual([7, 8, 9])
})

test('from a line on that is behind the last one: nothing is put, and that is told', async () => {
  file('a', lines(10))
  const ran = await run(['send', 'a', '--dataset', 'payments', '--from-line', '12'])
  expect(ran.out).toContain('payments  0 records put')
  expect(ran.out).toContain('a has 10 lines: nothing stands from line 12 on\n')
})

test('nothing good is no success', async () => {
  file('a', 'no JSON\n')
  expect((await run(['send', 'a', '--dataset', 'payments'])).code).toBe(1)
})

test('Ctrl-C ends a pipe: what was read is sent and delivered', async () => {
  const stop = new AbortController()
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines(3))
    stop.abort()
    for (;;) yield Buffer.from(line(9))
  }
  const ran = await run(['send', '-', '--dataset', 'payments'], { input: endless(), stop: stop.signal })
  expect(ran.code).toBe(0)
  expect(ran.out).toContain('stopped: the rest of the input was not read')
  expect((await ids()).length).toBeGreaterThanOrEqual(1)
})

test('Ctrl-C ends a pipe that pauses', async () => {
  const stop = new AbortController()
  async function* pausing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines(3))
    setTimeout(() => stop.abort(), 50)
    await new Promise(() => undefined)
  }
  const ran = await run(['send', '-', '--dataset', 'payments'], { input: pausing(), stop: stop.signal })
  expect(ran.code).toBe(0)
  expect(ran.out).toContain('stopped: the rest of the input was not read')
  expect(await ids()).toEqual([0, 1, 2])
})

test('Ctrl-C ends a file, and says from which line on to go on', async () => {
  file('a', lines(10))
  const stop = AbortSignal.abort()
  const ran = await run(['send', 'a', '--dataset', 'payments', '--from-line', '4'], { stop })
  expect(ran).toMatchObject({ code: 1, err: '' })
  expect(ran.out).toContain('stopped before line 4; go on with --from-line 4\n')
  const document = JSON.parse((await run(['send', 'a', '--dataset', 'payments', '--json'], { stop })).out)
  expect(document).toMatchObject({ stopped: true, stoppedAt: 1, records: 0, error: null })
})

test('what an earlier run put, and died before it was delivered, is delivered along', async () => {
  await bench.lake.stream.put([Buffer.from(`${recordHeader('payments')}{"id":100}`)])
  file('a', line(1))
  expect((await run(['send', 'a', '--dataset', 'payments'])).code).toBe(0)
  expect(await ids()).toEqual([1, 100])
  await bench.lake.stream.put([Buffer.from(`${recordHeader('payments')}{"id":101}`)])
  expect((await run(['local', '--once'])).code).toBe(0)
  expect(await ids()).toEqual([1, 100, 101])
})

test('while another process watches the lake, that one delivers, and send waits for it', async () => {
  const release = await markWatcher(join(bench.folder, '.sluice'), process.pid)
  file('a', line(1))
  let ended = false
  const ran = run(['send', 'a', '--dataset', 'payments']).finally(() => {
    ended = true
  })
  while ((await bench.lake.stream.waiting()).length === 0) await new Promise(resolve => setTimeout(resolve, 10))
  expect(ended).toBe(false)
  await deliverDue(bench.lake, [payments], { bytesMax: 1, ageMsMax: 0 })
  expect(await ran).toMatchObject({ code: 0 })
  expect((await ran).out).toContain(`delivered by process ${process.pid}, which takes it from there`)
  await release?.()
})

test('two processes never deliver at once', async () => {
  const root = join(bench.folder, '.sluice')
  const release = await markDeliverer(root, process.pid)
  const call = { lake: bench.lake, root, terminal: { pid: process.pid } } as unknown as Parameters<
    typeof deliverAlone
  >[0]
  expect(await deliverAlone(call, streamed)).toBeUndefined()
  await release?.()
  expect(await deliverAlone(call, streamed)).toEqual([])
})

test('sluice local delivers what is put while it runs', async () => {
  const stop = new AbortController()
  const local = run(['local'], {
    stop: stop.signal,
    onOut: text => {
      if (text.includes('commit')) stop.abort()
    },
  })
  await bench.lake.stream.put([Buffer.from(`${recordHeader('payments')}{"id":5}`)])
  expect((await local).code).toBe(0)
  expect(await ids()).toEqual([5])
}, 30_000)

test.each([
  [['send', 'a'], 'which dataset the events are for is not said', 'there are clicks, logs, payments'],
  [['send', 'a', '--dataset', 'payment'], 'there is no dataset payment', 'did you mean payments?'],
  [['send', 'a', '--dataset', 'orders'], 'orders takes no single events', 'declare source.stream in it'],
  [['send', 'b', '--dataset', 'payments'], 'there is no file b', 'nothing was sent'],
  [['send', '.', '--dataset', 'payments'], '. is no file', 'give one file'],
  [['send', 'a', '--dataset', 'payments', '--rate', '0'], '--rate 0 is no number', 'a whole number from 1'],
  [['send', 'a', '--dataset', 'payments', '--from-line', 'x'], '--from-line x is no number', 'a whole number from 1'],
  [['send', 'a', '--dataset', 'payments', '--region', 'eu-west-1'], '--region says where a stream is', '--stream NAME'],
])('%j is refused', async (argv, message, next) => {
  file('a', line(1))
  const ran = await run(argv)
  expect(ran.code).toBeGreaterThan(0)
  expect(ran.err).toContain(message)
  expect(ran.err).toContain(next)
  expect(await bench.lake.stream.waiting()).toEqual([])
})
