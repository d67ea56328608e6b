import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { countUnaccounted } from '#lake/aws/reconcile-metrics.ts'
import { withCanary } from '#lake/canary.ts'
import { replayAction } from './replay.ts'

const account = process.env['SLUICE_BUCKET_OWNER']

export const handler = lambda(awsLake(process.env), async (lake, event) =>
  countUnaccounted(await replayAction(lake, event, { datasets: withCanary(datasets), account })),
)
