// Every record id that Firehose gives is answered exactly once, in an answer that Lambda can return; an event is in the answer or its record
// has failed. No record, whatever it holds, costs another one its place.
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { type Answer, firehose } from '#functions/ingest/firehose.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { kindOf } from '../../contracts/storage.contract.ts'
import { answers, invocation, record, streamed } from './stream-fixture.ts'

const lake = memoryLake()
afterAll(() => lake.dispose())

const event = (id: number, pad = ''): string => JSON.stringify({ type: 'click', id, at: '2026-05-04T10:15:00Z', pad })

test('any bytes: one answer for each id, and every good event is in one of them or its record has failed', async () => {
  const good = fc.nat().map(id => ({ data: event(id), ids: [id] }))
  const many = fc
    .array(fc.nat(), { minLength: 1, maxLength: 5 })
    .map(ids => ({ data: ids.map(id => event(id)).join(''), ids }))
  const bytes = fc.uint8Array({ maxLength: 60 }).map(data => ({ data, ids: [] as number[] }))
  const text = fc.string({ unit: 'binary', maxLength: 60 }).map(data => ({ data, ids: [] as number[] }))
  const json = fc.json({ maxDepth: 3 }).map(data => ({ data, ids: [] as number[] }))
  const any = fc.array(fc.oneof(good, many, bytes, text, json), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(any, async given => {
      const { records } = await firehose(
        lake,
        streamed,
        invocation(given.map(({ data }, at) => record(`r${at}`, data))),
      )
      expect(records.map(each => each.recordId).sort()).toEqual(given.map((_each, at) => `r${at}`).sort())
      for (const [at, { ids }] of given.entries()) {
        if (ids.length === 0) continue
        const answer = records.find(each => each.recordId === `r${at}`) as Answer
        expect(idsOf(answer)).toEqual(ids)
      }
    }),
    { numRuns: 300 },
  )
})

const idsOf = (answer: Answer): readonly number[] => {
  if (answer.result !== 'Ok') return []
  const lines = Buffer.from(answer.data, 'base64').toString('utf8')
  expect(lines.endsWith('\n')).toBe(true)
  return lines
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).id)
}

test('what does not fit into 6 MB has failed, and smaller records behind it still fit', async () => {
  const large = Array.from({ length: 9 }, (_, at) => record(`large-${at}`, event(at, 'x'.repeat(600_000))))
  const small = Array.from({ length: 100 }, (_, at) => record(`small-${at}`, event(at)))
  const answer = await firehose(lake, streamed, invocation([...large, ...small]))
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(6_000_100)
  const of = (prefix: string, result: string): number =>
    answer.records.filter(each => each.recordId.startsWith(prefix) && each.result === result).length
  expect([of('large', 'Ok'), of('large', 'ProcessingFailed'), of('small', 'Ok')]).toEqual([7, 2, 100])
})

test('thousands of record ids alone never make the answer too large for what fits', async () => {
  const ids = Array.from({ length: 20_000 }, (_, at) => `4966277100379890188${String(at).padStart(37, '0')}000000`)
  const answer = await firehose(lake, streamed, invocation(ids.map(id => record(id, event(1)))))
  expect(answer.records).toHaveLength(20_000)
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(6_000_100)
  expect(answer.records.filter(each => each.result === 'Ok').length).toBeGreaterThan(15_000)
})

test('an id that comes twice is answered once: with its event when the bytes are the same, as failed when they are not', async () => {
  const all = [record('a', event(1)), record('a', event(1)), record('b', event(2)), record('b', event(3))]
  expect(await answers(lake, all)).toMatchObject({ a: { result: 'Ok' }, b: { result: 'ProcessingFailed' } })
  expect((await firehose(lake, streamed, invocation(all))).records).toHaveLength(2)
})

test.each([[undefined], [7], [null]])('a record whose data is %s has failed', async data => {
  const all = [{ recordId: 'a', data }, record('b', event(1))]
  expect(await answers(lake, all)).toMatchObject({ a: { result: 'ProcessingFailed' }, b: { result: 'Ok' } })
})

test('the same records give the same answers: Firehose repeats an invocation when it is unsure', async () => {
  const all = [record('a', event(1)), record('b', 'x'), record('c', '')]
  expect(await answers(lake, all)).toEqual(await answers(lake, all))
})

test.each([[undefined], [{}], [{ records: 'all' }], [{ records: [{ data: 'e30=' }] }]])(
  'an event that is none of Firehose is refused: %j',
  async event => {
    expect(await kindOf(firehose(lake, streamed, event))).toBe('event-invalid')
  },
)
