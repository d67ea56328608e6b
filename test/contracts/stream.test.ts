// Contract: the streams of a laptop, and Firehose as its API answers, keep every promise of the port (stream.contract.ts).
import { FirehoseClient } from '@aws-sdk/client-firehose'
import { expect, test } from 'vitest'
import { firehoseStream } from '#lake/aws/firehose-stream.ts'
import { diskLake, type LocalLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { localStream, type StreamFaults } from '#lake/disk/local-stream.ts'
import { LakeError } from '#lake/errors.ts'
import { credentials, inputOf, json, jsonFailure, scriptedServer } from '../lake/aws/scripted-server.ts'
import { inFolder } from '../local/lake-state.ts'
import { kindOf } from './storage.contract.ts'
import { type StreamUnderTest, type StreamWishes, streamContract } from './stream.contract.ts'

function faultsOf({ refuse, failure }: StreamWishes): StreamFaults {
  return {
    ...(refuse && { refuse }),
    call: () => {
      if (failure !== undefined) throw new LakeError(failure, 'as the test wishes')
    },
  }
}

async function takenBy({ stream }: Pick<LocalLake, 'stream'>): Promise<readonly Buffer[]> {
  const puts = await Promise.all((await stream.waiting()).map(({ uri }) => stream.read(uri)))
  return puts.flatMap(records => (records ?? []).map(({ data }) => Buffer.from(data, 'base64')))
}

streamContract('in memory', async wishes => {
  const lake = memoryLake({ streamFaults: faultsOf(wishes) })
  return { stream: lake.stream, taken: () => takenBy(lake), dispose: async () => lake.dispose() }
})

streamContract('on disk', async wishes => {
  let release = (): void => undefined
  const done = new Promise<void>(resolve => {
    release = resolve
  })
  return new Promise<StreamUnderTest>(resolve => {
    void inFolder(async folder => {
      const lake = diskLake(folder)
      const stream = localStream({ ...lake, base: `${lake.zones.ops}/stream`, faults: faultsOf(wishes) })
      resolve({ stream, taken: () => takenBy({ stream }), dispose: async () => release() })
      await done
    })
  })
})

streamContract('Firehose', async ({ refuse, failure }) => {
  const taken: Buffer[] = []
  const server = await scriptedServer(request => {
    expect(request.headers['x-amz-target']).toBe('Firehose_20150804.PutRecordBatch')
    if (failure === 'throttled') return jsonFailure(500, 'ServiceUnavailableException')
    if (failure === 'not-found') return jsonFailure(400, 'ResourceNotFoundException')
    const { DeliveryStreamName, Records } = inputOf(request) as {
      DeliveryStreamName: string
      Records: { Data: string }[]
    }
    expect(DeliveryStreamName).toBe('events')
    const codes = Records.map((_record, at) => refuse?.(at))
    for (const [at, { Data }] of Records.entries()) if (codes[at] === undefined) taken.push(Buffer.from(Data, 'base64'))
    return json({
      FailedPutCount: codes.filter(code => code !== undefined).length,
      Encrypted: true,
      RequestResponses: codes.map((ErrorCode, at) =>
        ErrorCode === undefined ? { RecordId: `r${at}` } : { ErrorCode, ErrorMessage: 'Slow down.' },
      ),
    })
  })
  const options = { endpoint: server.endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 }
  const stream = firehoseStream({ client: new FirehoseClient(options), name: 'events' })
  return { stream, taken: async () => taken, dispose: () => server.close() }
})

test('Firehose without a region: said at once, and not tried again like a network that is down', async () => {
  const client = new FirehoseClient({
    credentials,
    region: () => Promise.reject<string>(new Error('Region is missing')),
  })
  const error = await firehoseStream({ client, name: 'events' })
    .put([Buffer.from('a')])
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ kind: 'usage', context: { next: 'give it with --region, or set AWS_REGION' } })
})

test('a function that puts nothing needs no stream', async () => {
  const client = new FirehoseClient({ credentials, region: 'eu-central-1' })
  expect(await kindOf(firehoseStream({ client, name: undefined }).put([Buffer.from('a')]))).toBe('usage')
})
