// Contract: every record that is sent is taken by the stream, or the sender hears from which line on none was. Of a call that was refused in part, the
// refused records alone are put again, after delays that grow; nothing else is ever put twice, except the records of a call that was not answered.
import { afterEach, describe, expect, test } from 'vitest'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import type { StreamFaults } from '#lake/disk/local-stream.ts'
import { LakeError } from '#lake/errors.ts'
import { groupsOf, type Outgoing, type Sent, sendRecords } from '#lake/send.ts'

let lake: MemoryLake | undefined
afterEach(() => lake?.dispose())

const outgoing = (count: number, bytes = 0): Outgoing[] =>
  Array.from({ length: count }, (_, at) => ({ line: at + 1, data: Buffer.from(`${at}${' '.repeat(bytes)}`) }))

async function* each<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

interface Ran {
  readonly sent: Sent
  readonly taken: readonly number[]
  readonly slept: readonly number[]
}

async function send(
  records: readonly Outgoing[],
  options: { faults?: StreamFaults; rate?: number } = {},
): Promise<Ran> {
  const made = memoryLake(options.faults === undefined ? {} : { streamFaults: options.faults })
  lake = made
  const slept: number[] = []
  const clock = {
    nowMs: () => made.clock.nowMs(),
    sleep: (ms: number) => {
      slept.push(ms)
      return made.clock.sleep(ms)
    },
  }
  const { rate } = options
  const groups = groupsOf(each(records), { clock, ...(rate && { recordsMax: Math.min(500, rate) }) })
  const sent = await sendRecords(groups, { ...made, clock, rate })
  return { sent, taken: await takenBy(made), slept }
}

async function takenBy({ stream }: MemoryLake): Promise<readonly number[]> {
  const puts = await Promise.all((await stream.waiting()).map(({ uri }) => stream.read(uri)))
  const records = puts.flatMap(each => each ?? [])
  return records.map(({ data }) => Number(Buffer.from(data, 'base64').toString())).toSorted((a, b) => a - b)
}

const all = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

test('in calls of 500 records', async () => {
  const { sent, taken, slept } = await send(outgoing(1_234))
  expect(sent).toMatchObject({ records: 1_234, calls: 3, again: 0, throttled: 0 })
  expect(taken).toEqual(all(1_234))
  expect(slept).toEqual([])
})

test('and of 4 MiB', async () => {
  const { sent } = await send(outgoing(9, 1_000_000))
  expect(sent).toMatchObject({ records: 9, calls: 3 })
})

test('nothing to send is no call', async () => {
  expect((await send([])).sent).toEqual({ records: 0, bytes: 0, calls: 0, again: 0, throttled: 0 })
})

test('what a call refuses is put again, and nothing else', async () => {
  const refuse = (record: number, call: number) =>
    call <= 2 && record % 2 === 0 ? 'ServiceUnavailableException' : undefined
  const { sent, taken, slept } = await send(outgoing(10), { faults: { refuse } })
  expect(taken).toEqual(all(10))
  expect(sent).toMatchObject({ records: 10, calls: 3, again: 5 + 3, throttled: 2 })
  expect(slept).toHaveLength(2)
})

test('a call that was not answered is put again as a whole', async () => {
  let answered = false
  const call = () => {
    if (answered) return
    answered = true
    throw new LakeError('unavailable', 'socket hang up')
  }
  const { sent, taken } = await send(outgoing(10), { faults: { call } })
  expect(taken).toEqual(all(10))
  expect(sent).toMatchObject({ records: 10, calls: 2, again: 10 })
})

describe('when nothing is taken any more', () => {
  const failing = async (faults: StreamFaults): Promise<LakeError> => {
    try {
      await send(outgoing(1_200), { faults })
    } catch (error) {
      if (error instanceof LakeError) return error
    }
    throw new Error('did not fail')
  }

  test('it tries twelve times, with delays that grow to ten seconds, and says from which line on', async () => {
    const calls: number[] = []
    const error = await failing({
      refuse: (_record, call) => {
        if (call > 2) calls.push(call)
        return call > 2 ? 'ServiceUnavailableException' : undefined
      },
    })
    expect(error.kind).toBe('throttled')
    expect(error.context).toMatchObject({ line: 1_001, sent: { records: 1_000, calls: 14 } })
    expect(new Set(calls).size).toBe(12)
  })

  test('what will not pass is not tried again', async () => {
    const error = await failing({
      call: call => {
        if (call === 2) throw new LakeError('access-denied', 'not allowed')
      },
    })
    expect(error.kind).toBe('access-denied')
    expect(error.context).toMatchObject({ line: 501, sent: { records: 500, calls: 2 } })
  })

  test('delays are jittered, and double up to ten seconds', async () => {
    const slept: number[] = []
    const made = memoryLake({ streamFaults: { refuse: () => 'InternalFailure' } })
    lake = made
    const clock = { nowMs: () => 0, sleep: async (ms: number) => void slept.push(ms) }
    const ids = { random: () => 1 }
    const groups = each([outgoing(1)])
    await expect(sendRecords(groups, { stream: made.stream, clock, ids })).rejects.toThrow('InternalFailure')
    expect(slept).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000, 10_000])
  })
})

test('not faster than asked for', async () => {
  const { slept } = await send(outgoing(300), { rate: 100 })
  expect(slept).toEqual([1_000, 1_000])
})

test('a group that has begun is handed on after its time, however slowly the next record comes', async () => {
  const waits: (() => void)[] = []
  const clock = { sleep: () => new Promise<void>(resolve => waits.push(resolve)) }
  let more = (): void => undefined
  async function* slow(): AsyncGenerator<Outgoing> {
    yield* outgoing(2)
    await new Promise<void>(resolve => {
      more = resolve
    })
    yield* outgoing(1)
  }
  const groups = groupsOf(slow(), { ageMsMax: 1_000, clock })
  const first = groups.next()
  await new Promise(resolve => setTimeout(resolve, 5))
  waits[0]?.()
  expect((await first).value).toHaveLength(2)
  const second = groups.next()
  more()
  expect((await second).value).toHaveLength(1)
  expect((await groups.next()).done).toBe(true)
})
