import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { withCanary } from '#lake/canary.ts'
import { compactionAction } from './compact.ts'

export const handler = lambda(awsLake(process.env), (lake, event) =>
  compactionAction(lake, event, { datasets: withCanary(datasets) }),
)
