import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { countLags } from '#lake/aws/lag-metrics.ts'
import { withCanary } from '#lake/canary.ts'
import { watch } from './watch.ts'

export const handler = lambda(awsLake(process.env), async lake => countLags(await watch(lake, withCanary(datasets))))
