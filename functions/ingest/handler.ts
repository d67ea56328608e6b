import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { withCanary } from '#lake/canary.ts'
import { ingest } from './ingest.ts'

const account = process.env['SLUICE_BUCKET_OWNER']

export const handler = lambda(awsLake(process.env), (lake, event) =>
  ingest(lake, withCanary(datasets), event, account === undefined ? {} : { account }),
)
