import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awsLake } from '#lake/aws/aws-lake.ts'
import { namedStream } from '#lake/aws/firehose-stream.ts'
import type { Lake, Stream } from '#lake/lake.ts'
import { refusal } from './refusal.ts'
import type { Terminal } from './terminal.ts'

/**
 * The lake of a stage, with the rights of whoever runs the command. Its names come from the environment (SLUICE_OPS_URI and so on), or from what
 * `npx sst deploy` left in `.sst/outputs.json`.
 */
export async function remoteLake({ env, cwd }: Pick<Terminal, 'env' | 'cwd'>): Promise<Lake> {
  if (env['SLUICE_OPS_URI']) return awsLake(env)
  const outputs = await readFile(join(cwd, '.sst', 'outputs.json'), 'utf8').catch(() => '{}')
  const { environment } = JSON.parse(outputs) as { readonly environment?: Readonly<Record<string, string>> }
  if (environment !== undefined) return awsLake({ ...environment, ...env })
  throw refusal(
    'not-found',
    'nothing says which lake on AWS is meant',
    'run it where `npx sst deploy` ran, which leaves .sst/outputs.json, or set SLUICE_OPS_URI and the other names of the stage',
  )
}

/** A delivery stream by its name, be it of a stage or not. */
export const remoteStream = (name: string, region: string | undefined): Stream => namedStream(name, region)
