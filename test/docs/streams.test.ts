// The example of docs/streams.md: its dataset makes of its events exactly what the page says, and the page names every setting of a stream.
import { afterAll, expect, test } from 'vitest'
import type { Answer } from '#functions/ingest/firehose.ts'
import { firehose } from '#functions/ingest/firehose.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { streamFolder } from '#lake/stream.ts'
import { ownersOf } from '#lake/stream-error.ts'
import { misfitOf } from '#lake/stream-fit.ts'
import { streamRouter } from '#lake/stream-route.ts'
import { blocksOf, readPage } from './pages.ts'
import { ExampleProject } from './project.ts'

const blocks = blocksOf(readPage('docs/streams.md'))
const only = (language: string): string => blocks.find(block => block.language === language)?.text ?? ''
const project = new ExampleProject()
const lake = memoryLake()
afterAll(() => {
  project[Symbol.dispose]()
  lake.dispose()
})

test('what becomes of the events of the example', async () => {
  project.write('clicks.ts', only('ts'))
  const datasets = project.datasetsOf('clicks.ts')
  const events = only('json').trim().split('\n')
  const records = events.map((event, at) => ({
    recordId: String(at + 1),
    approximateArrivalTimestamp: Date.UTC(2026, 4, 4, 12),
    data: Buffer.from(event).toString('base64'),
  }))
  const answers = (await firehose(lake, datasets, { records })).records
  const said = (answer: Answer, at: number): string => {
    if (answer.result === 'Ok') return streamFolder(answer.metadata.partitionKeys)
    const raw = Buffer.from(events[at] as string)
    const [owner] = ownersOf(streamRouter(datasets), raw)
    const [dataset] = datasets
    const why = dataset && misfitOf(dataset, JSON.parse(String(raw)))?.reason
    const fate = owner === undefined ? 'dead letter: stream-error' : `${owner}__quarantine: ${why}`
    return `stream-errors/processing-failed/2026/05/04/12/   ${fate}`
  }
  expect(`${answers.map((answer, at) => `${at + 1}  ${said(answer, at)}`).join('\n')}`).toBe(only('text').trim())
})
