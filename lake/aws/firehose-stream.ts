import { FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { LakeError } from '../errors.ts'
import type { Stream } from '../lake.ts'
import { checkPut } from '../stream.ts'
import { awsError } from './aws-errors.ts'

export interface FirehoseStreamOptions {
  readonly client: FirehoseClient
  /** undefined in functions that put nothing. */
  readonly name: string | undefined
}

/**
 * A delivery stream of Firehose. A call that was answered may have taken some of its records only; a call that was not may have taken any. Firehose gives
 * the reason of each record that it refused (https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html).
 */
export function firehoseStream({ client, name }: FirehoseStreamOptions): Stream {
  return {
    put: async records => {
      checkPut(records)
      if (name === undefined)
        throw new LakeError('usage', 'no delivery stream is configured: set SLUICE_STREAM', { name: 'SLUICE_STREAM' })
      await checkRegion(client)
      const answer = await client
        .send(new PutRecordBatchCommand({ DeliveryStreamName: name, Records: records.map(Data => ({ Data })) }))
        .catch(error => {
          throw awsError(error, `delivery stream ${name}`, ({ name: code }) => KINDS[code])
        })
      const results = answer.RequestResponses ?? []
      // An entry without an id was not taken, whatever the count of failures says.
      return records.map((_record, at) => (results[at]?.RecordId ? undefined : (results[at]?.ErrorCode ?? 'Unknown')))
    },
  }
}

/** Asked before anything is sent: without one every attempt would fail like a network that is down. */
async function checkRegion(client: FirehoseClient): Promise<void> {
  try {
    await client.config.region()
  } catch (cause) {
    const next = 'give it with --region, or set AWS_REGION'
    throw new LakeError('usage', 'the region of the delivery stream is not known', { next }, { cause })
  }
}

const KINDS: Readonly<Record<string, 'not-found' | 'throttled' | 'access-denied'>> = {
  ResourceNotFoundException: 'not-found',
  // The stream's own limits: 5 MiB, 2,000 calls and 5,000 records a second where nobody has had them raised.
  ServiceUnavailableException: 'throttled',
  LimitExceededException: 'throttled',
  InvalidKMSResourceException: 'access-denied',
}

/** A stream by its name, with the credentials and the region of whoever calls. */
export const namedStream = (name: string, region: string | undefined): Stream =>
  firehoseStream({ name, client: new FirehoseClient({ maxAttempts: 3, ...(region && { region }) }) })
