import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { maintain } from './maintain.ts'

export const handler = lambda(awsLake(process.env), maintain)
