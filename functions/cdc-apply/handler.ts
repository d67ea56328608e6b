import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { countChanges } from '#lake/aws/change-metrics.ts'
import { lambda } from '#lake/aws/handler.ts'
import { batchRequest, mergeStep } from '#lake/batch-request.ts'
import { cdcApplyStep } from './cdc-apply.ts'

export const handler = lambda(awsLake(process.env), async (lake, event) => {
  const { dataset, batch } = batchRequest(datasets, event)
  return countChanges(await cdcApplyStep(lake, dataset, { batch, step: mergeStep(event) }))
})
