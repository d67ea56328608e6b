import { datasets } from '#datasets/index.ts'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { releaseAction } from './release.ts'

export const handler = lambda(awsLake(process.env), (lake, event) => releaseAction(lake, event, datasets))
