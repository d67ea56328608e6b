import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { countRules } from '#lake/aws/rule-metrics.ts'
import { batchRequest } from '#lake/batch-request.ts'
import { withCanary } from '#lake/canary.ts'
import { quality } from './quality.ts'

export const handler = lambda(awsLake(process.env), async (lake, event) => {
  const { dataset, batch } = batchRequest(withCanary(datasets), event)
  return countRules(await quality(lake, dataset, { batch }))
})
