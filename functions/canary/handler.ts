import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { canary } from './canary.ts'

export const handler = lambda(awsLake(process.env), lake => canary(lake))
