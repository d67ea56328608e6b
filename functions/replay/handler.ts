import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { replayAction } from './replay.ts'

export const handler = lambda(awsLake(process.env), (lake, event) => replayAction(lake, event, { datasets }))
