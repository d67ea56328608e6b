import { awsLake } from '#lake/aws/aws-lake.ts'
import { lambda } from '#lake/aws/handler.ts'
import { tableRequest } from '#lake/table-request.ts'
import { sweep } from './sweep.ts'

export const handler = lambda(awsLake(process.env), async (lake, event) => sweep(lake, tableRequest(['sweep'], event)))
