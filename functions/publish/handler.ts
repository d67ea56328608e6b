import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { batchRequest } from '#lake/batch-request.ts'
import { withCanary } from '#lake/canary.ts'
import { publish } from './publish.ts'

export const handler = lambda(awsLake(process.env), async (lake, event) => {
  const { dataset, batch } = batchRequest(withCanary(datasets), event)
  return publish(lake, dataset, { batch })
})
